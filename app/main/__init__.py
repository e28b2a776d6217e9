"""The composition root of an API process, as `app.background` is of a worker process: here its objects are wired."""

from app.main.create import create_app

__all__ = ["create_app"]
