"""What an operator can set: read once, and passed on as values."""

from app.settings.settings import (
    STATE,
    AddressSettings,
    KeySettings,
    Settings,
    StoreSettings,
    WorkerSettings,
    sentences,
    unknown,
)

__all__ = [
    "STATE", "AddressSettings", "KeySettings", "Settings", "StoreSettings", "WorkerSettings", "sentences", "unknown",
]  # fmt: skip
