"""A client of a running server: `from digitserve import Client, AsyncClient`. It needs nothing of the server."""

from digitserve.client.aio import AsyncClient
from digitserve.client.errors import Busy, DigitServeError, JobFailed, Refused, Unreachable
from digitserve.client.learning import DataSet, Job, Model, Outcome, Version
from digitserve.client.readings import BadPicture, Box, Correction, Digit, Number, Page, Prediction
from digitserve.client.stream import JobEvent
from digitserve.client.sync import Client

__all__ = [
    "AsyncClient", "BadPicture", "Box", "Busy", "Client", "Correction", "DataSet", "Digit", "DigitServeError", "Job",
    "JobEvent", "JobFailed", "Model", "Number", "Outcome", "Page", "Prediction", "Refused", "Unreachable", "Version",
]  # fmt: skip
