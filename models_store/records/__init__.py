"""Frozen dataclasses <-> plain data, and documents that carry a digest of themselves."""

from models_store.records.fields import named_as_first, named_now, plain, read, require

__all__ = ["named_as_first", "named_now", "plain", "read", "require"]
