"""What the operator can set, read once. The only reader of the environment in this room.

A command reads what it needs: `models` the store, `jobs` the address, a worker all but what is a server's alone. So a
slip in one variable stops only those who would go by it.
"""

import difflib
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args, get_origin

from pydantic import Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from models_store.variables import (
    DATA,
    PREFIX,
    STORE,
    absolute,
    folder,
    is_address,
    is_of_a_platform,
    meant,
    without_secrets,
)

if TYPE_CHECKING:
    from sqlalchemy import URL

STATE = STORE.parent.parent / "var"  # beside the software, whatever folder a command is given in
DATABASE = "digitserve.db"
_URLS = "sqlite:////folder/file.db or postgresql://user:password@host:5432/name"
_SYNONYMS = {"warn": "warning"}


class _Variables(EnvSettingsSource):
    """The environment, each text as it is meant; what is empty is unset."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        text, key, is_complex = super().get_field_value(field, field_name)
        return _meant(field_name, field, text or ""), key, is_complex


def _meant(name: str, field: FieldInfo, text: str) -> str | Path | None:
    if field.annotation is Path:
        return folder(text) or (_former_state() if name == "state_dir" else None)
    text = meant(text)
    if name in ("host", "port") and is_address(text):  # Kubernetes says so where a Service of our name is
        return None
    if get_origin(field.annotation) is Literal:
        word = _SYNONYMS.get(text.lower(), text.lower())
        return (word if word in get_args(field.annotation) else text) or None
    return text or None


def _former_state() -> Path | None:
    """Up to release 0.1 the state lay in `var` in the working folder. Where it does it stays."""
    here = Path("var").absolute()
    return here if (here / DATABASE).is_file() else None


class _Environment(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, allow_inf_nan=False)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Variables(settings_cls)

    @field_validator("*")
    @classmethod
    def _is_absolute(cls, value: Any) -> Any:
        return absolute(value) if isinstance(value, Path) else value

    def variables(self) -> dict[str, str]:
        """What a child's environment has to hold so that the child reads the same."""
        return {_variable(name): str(getattr(self, name)) for name in type(self).model_fields}


class StoreSettings(_Environment):
    """Where versions lie."""

    store_dir: Path = STORE


class AddressSettings(_Environment):
    """Where the server listens, and is found."""

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)


class WorkerSettings(StoreSettings):
    """All that a worker goes by."""

    state_dir: Path = STATE
    database_url: str = Field("", description=_URLS, repr=False)  # it may hold a password
    data_dir: Path = DATA
    default_model: str = Field(
        "digits",
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        description="a model's name: up to 63 lower-case letters, digits and hyphens",
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    job_threads: int = Field(0, ge=0, le=1024)
    job_min_accuracy: float = Field(0.8, ge=0, le=1)
    job_lease_seconds: float = Field(15.0, ge=2, le=3600)
    job_stall_seconds: float = Field(300.0, ge=1)
    job_kept_days: float = Field(7.0, ge=0)
    feedback_max: int = Field(10_000, ge=1)
    feedback_kept_days: float = Field(0.0, ge=0)
    feedback_job_after: int = Field(0, ge=0)
    review_max: int = Field(1000, ge=1, le=10_000)
    review_kept_days: float = Field(30.0, ge=0)
    log_format: Literal["auto", "words", "json", "text"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("database_url")
    @classmethod
    def _is_known(cls, url: str) -> str:
        """A file or a server: everything else would fail later, and in every process anew."""
        if url and not _usable(url):
            raise PydanticCustomError("database_url", f"name {_URLS}")
        return url

    @property
    def database(self) -> "URL":
        """A file in the state folder unless another is named. No text: in a URL, `%` and `?` in a path mean others."""
        from sqlalchemy import URL, make_url

        if self.database_url:
            return make_url(self.database_url)
        return URL.create("sqlite", database=str(self.state_dir / DATABASE))

    @property
    def database_file(self) -> Path | None:
        """SQLite's file, where it is one that can be named; None for a server's database."""
        if not self.database_url:
            return self.state_dir / DATABASE
        url = self.database
        return absolute(Path(str(url.database))) if url.get_backend_name() == "sqlite" and not url.query else None


class Settings(AddressSettings, WorkerSettings):
    """Each field is the environment variable DIGITSERVE_<FIELD>; docs/settings.md lists them."""

    workers: int = Field(0, ge=0, le=256)
    max_live_versions: int = Field(4, ge=1, le=64)
    max_body_bytes: int = Field(10 * 2**20, ge=1024)
    max_file_bytes: int = Field(64 * 2**20, ge=1024)
    max_image_pixels: int = Field(16_000_000, ge=784)
    keep_alive_seconds: int = Field(75, ge=1, le=3600)
    job_workers: int = Field(1, ge=0, le=64)
    keep_uncertain: bool = False

    @classmethod
    def lenient(cls) -> tuple[Self, list[str]]:
        """With the default in place of each variable that is not usable, and what is wrong with those."""
        try:
            return cls(), []
        except ValidationError as error:
            refused = {str(one["loc"][0]) for one in error.errors()}
            return cls(**{name: cls.model_fields[name].default for name in refused}), sentences(error)


def sentences(error: ValidationError, typed: Collection[str] = ()) -> list[str]:
    """What is wrong with each setting, and what it takes. Those of `typed` came from the command line."""
    return [_sentence(str(one["loc"][0]), one["input"], typed) for one in error.errors()]


def unknown() -> Iterator[str]:
    """A sentence for each variable that begins like ours and that nothing reads: a slip."""
    known = [name.upper() for name in Settings.model_fields]
    for name, text in os.environ.items():
        word = name.upper().removeprefix(PREFIX)
        if name.upper().startswith(PREFIX) and word not in known and not is_of_a_platform(name, text):
            near = difflib.get_close_matches(word, known, 1)
            yield f"{name} is no setting." + (f" Is {PREFIX}{near[0]} meant?" if near else " See docs/settings.md.")


def _variable(name: str) -> str:
    return f"{PREFIX}{name}".upper()


def _sentence(name: str, value: object, typed: Collection[str]) -> str:
    where = f"The option --{name.replace('_', '-')}" if name in typed else f"The setting {_variable(name)}"
    return f"{where} is not usable: it is {without_secrets(value)}, and takes {_taken(Settings.model_fields[name])}."


def _taken(field: FieldInfo) -> str:
    """What a field takes, in words."""
    if field.description:
        return field.description
    if get_origin(field.annotation) is Literal:
        *words, last = get_args(field.annotation)
        return f"{', '.join(words)} or {last}"
    if field.annotation is bool:
        return "true or false"
    kind = "a whole number" if field.annotation is int else "a number"
    least, most = (next((getattr(m, b) for m in field.metadata if hasattr(m, b)), None) for b in ("ge", "le"))
    return f"{kind} from {least} to {most}" if most is not None else f"{kind} of at least {least}"


def _usable(url: str) -> bool:
    from sqlalchemy import make_url  # a tenth of a second that most commands need not spend
    from sqlalchemy.exc import ArgumentError

    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        return False
    if parts.drivername == "sqlite":
        return parts.database not in (None, "", ":memory:")
    return parts.drivername in ("postgresql", "postgres", "postgresql+psycopg") and bool(parts.database)
