"""What a machine may lack: a test that needs it is skipped there, and fails in continuous integration."""

import os
from typing import NoReturn

import pytest


def missing(what: str, package: str) -> NoReturn:
    """Ends the test that needs `what`; says which Debian package has it."""
    reason = f"{what} is not on this machine (Debian: apt-get install {package})"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
