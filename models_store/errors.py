"""Every error that the store raises. `app.web.problems` says how each is answered over HTTP."""


class StoreError(Exception):
    """The root. Its text is one sentence that says what to do next and is safe to show to anyone."""


class BadRef(StoreError):
    """A text is no `name`, `name@alias` or `name@7`."""


class VersionNotFound(StoreError):
    """No such model, version or alias is in the store."""


class VersionCorrupt(StoreError):
    """A file of a version is missing or is not the one that was published."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file} {why}. This version is refused; restore it from a backup or delete it.")
        self.file = file


class AliasesCorrupt(VersionCorrupt):
    """What says which version of a model serves can't be read."""

    def __init__(self, model: str, why: str) -> None:
        StoreError.__init__(
            self,
            f"{model}/aliases.json {why}, so no alias of {model} can be found or moved; {model}@NUMBER still answers. "
            "Restore that file in the store, or take it away and promote a version with null as expected.",
        )
        self.file = "aliases.json"


class ManifestMismatch(StoreError):
    """A version is whole, but this software cannot serve it."""


class AliasConflict(StoreError):
    """An alias moved since the caller looked at it (compare-and-swap lost)."""

    def __init__(self, alias: str, current: int | None) -> None:
        super().__init__(f"The alias {alias} now points at {current}. Look again and repeat with that as expected.")
        self.current = current


class RecordRejected(StoreError):
    """Plain data do not fit the record that they should fill."""


class RecipeRejected(StoreError):
    """A recipe has an unknown key, a wrong type or a value out of range."""


class DataSetRejected(StoreError):
    """An archive or a set of labelled pictures that can't be used. `code` is the stable name of the reason."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class VersionRejected(StoreError):
    """The gate found a version worse than its base: it is kept to be looked at, and never serves by an alias."""


class StoreReadOnly(StoreError):
    """The store's folder may be read, and not be written."""


class StoreFull(StoreError):
    """The store's disk is full."""


class StoreBusy(StoreError):
    """No file of the store can be opened now, because too many are open."""


class TooManyAliases(StoreError):
    """A model has as many aliases as it may have."""


class AliasFixed(StoreError):
    """An alias that can be moved, and not be taken away."""


class VersionInUse(StoreError):
    """A version can't be deleted while an alias points at it, or a job needs it."""


class ImageRejected(StoreError):
    """Bytes that can't be read as one picture. `code` is the stable name of the reason."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
