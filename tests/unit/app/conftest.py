"""A version that verdicts are made with."""

import dataclasses

import pytest

from models_store.manifest import Calibration
from models_store.refs import Ref
from models_store.registry import Registry, Version
from models_store.shipped_version import SHIPPED


@pytest.fixture(scope="module")
def version() -> Version:
    """With two labels, sure from 0.75 on."""
    shipped = Registry(SHIPPED)
    found = shipped.resolve(Ref("digits", None, shipped.versions("digits")[0]))
    manifest = dataclasses.replace(found.manifest, labels=("1", "7"), calibration=Calibration(threshold=0.75))
    return dataclasses.replace(found, manifest=manifest)
