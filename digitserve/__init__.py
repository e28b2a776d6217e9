"""The commands, and a client of a running server: `from digitserve import Client`.

The commands put `app`, `models_store` and `training` within reach of their own processes, and of no other. In a wheel
the three lie inside this package, so that nobody else's `app` or `training` is in their way, or they in its; in a
checkout they lie beside it. docs/decisions/0012 says more.
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitserve.client import *  # noqa: F403 (its __all__)

_HERE = Path(__file__).resolve().parent


def __getattr__(name: str) -> object:
    """What the client has, loaded when it is first asked for: the commands start without it."""
    if name[:1].isupper():
        client = import_module("digitserve.client")
        if name in client.__all__:
            found: object = getattr(client, name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def command() -> int:
    """`digitserve`, which is `python -m app` in a checkout."""
    _reach()
    from app.cli.main import main

    return main()


def training_command() -> int:
    """`digitserve-training`, which is `python -m training` in a checkout."""
    _reach()
    from training.__main__ import main

    return main(own_process=True)


def _reach() -> None:
    """Ours come first: before other packages, and before an `app` in the folder that the command is given in."""
    home = str(_HERE if (_HERE / "app").is_dir() else _HERE.parent)
    sys.path.insert(0, home)
    # Children are started as `python -m app` and `python -m training`.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
    os.environ["PYTHONSAFEPATH"] = "1"  # otherwise the current folder would come first for them
