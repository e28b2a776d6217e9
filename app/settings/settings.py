"""What the operator can set, read once.

A command reads what it needs: `models` the store, `jobs` the address, a worker all but what is a server's alone. So a
slip in one variable stops only those who would go by it.
"""

import difflib
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from app.settings.environment import (
    DATABASE,
    Environment,
    between_commas,
    is_database,
    is_host,
    is_origin,
    is_receiver,
    networks,
    root_path,
    taken,
    variable,
)
from models_store.variables import DATA, PREFIX, STORE, absolute, is_of_a_platform, without_secrets

if TYPE_CHECKING:
    from sqlalchemy import URL

STATE = STORE.parent.parent / "var"  # beside the software, whatever folder a command is given in
_HOSTS = "names such as digits.example.org, *.example.org or [2001:db8::1], with a comma between them"
_ORIGINS = "origins such as https://example.org, without a path, with a comma between them"
_URLS = "sqlite:////folder/file.db or postgresql://user:password@host:5432/name"
_NETWORKS = "addresses and networks such as 10.0.0.5, 10.0.0.0/8 or fd00::/8, with a comma between them; no names"
_RECEIVER = "the URL at which spans are taken, such as http://127.0.0.1:4318/v1/traces"
_PATH = "a path such as /digits, of letters, digits and -._~, that begins like none of the service's own"


class StoreSettings(Environment):
    """Where versions lie."""

    store_dir: Path = STORE


class KeySettings(Environment):
    """What a command shows the server."""

    key: str = Field("", repr=False)


class AddressSettings(KeySettings):
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
    job_max_hours: float = Field(4.0, gt=0)
    job_rows_kept_days: float = Field(365.0, ge=0)
    jobs_max: int = Field(10_000, ge=1)
    jobs_max_waiting: int = Field(100, ge=1)
    jobs_max_per_client: int = Field(50, ge=1)
    files_kept_days: float = Field(0.0, ge=0)
    feedback_max: int = Field(10_000, ge=1)
    feedback_kept_days: float = Field(0.0, ge=0)
    feedback_job_after: int = Field(0, ge=0)
    feedback_promote: Literal["never", "if_better", "shadow"] = "never"
    feedback_giver_share: float = Field(0.25, gt=0, le=1)
    review_max: int = Field(1000, ge=1, le=10_000)
    review_kept_days: float = Field(30.0, ge=0)
    log_format: Literal["auto", "words", "json", "text"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("database_url")
    @classmethod
    def _is_known(cls, url: str) -> str:
        """A file or a server: everything else would fail later, and in every process anew."""
        if url and not is_database(url):
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
    files_max: int = Field(1000, ge=1)
    files_max_bytes: int = Field(2 * 2**30, ge=1024)
    feedback_max_bytes: int = Field(2 * 2**30, ge=1024)
    max_image_pixels: int = Field(16_000_000, ge=784)
    picture_cpu_seconds: float = Field(4.0, ge=0.1, le=600)
    data_set_pixels: int = Field(1_000_000_000, ge=784)
    keep_alive_seconds: int = Field(75, ge=1, le=3600)
    max_connections: int = Field(0, ge=0, le=100_000)
    max_bytes_waiting: int = Field(256 * 2**20, ge=2**20)
    job_workers: int = Field(1, ge=0, le=64)
    job_streams: int = Field(64, ge=1, le=1024)
    job_streams_per_client: int = Field(40, ge=1)
    keep_uncertain: bool = False
    insecure: bool = False
    allowed_hosts: str = Field("", description=_HOSTS)
    allowed_origins: str = Field("", description=_ORIGINS)
    trusted_proxies: str = Field("", description=_NETWORKS)
    root_path: str = Field("", description=_PATH)
    rate_requests: float = Field(0.0, ge=0)
    rate_concurrent: int = Field(0, ge=0)
    rate_bytes: int = Field(0, ge=0)
    shadow_share: float = Field(0.2, ge=0, le=1)
    traces_url: str = Field("", description=_RECEIVER, repr=False)  # it may hold a password
    traces_share: float = Field(1.0, ge=0, le=1)

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, text: str) -> str:
        if not all(map(is_host, between_commas(text))):
            raise PydanticCustomError("allowed_hosts", f"give {_HOSTS}")
        return text

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, text: str) -> str:
        if not all(map(is_origin, between_commas(text))):
            raise PydanticCustomError("allowed_origins", f"give {_ORIGINS}")
        return text

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        try:
            networks(text)
        except ValueError:
            raise PydanticCustomError("trusted_proxies", f"name {_NETWORKS}") from None
        return text

    @field_validator("traces_url")
    @classmethod
    def _is_receiver(cls, text: str) -> str:
        if text and not is_receiver(text):
            raise PydanticCustomError("traces_url", f"name {_RECEIVER}")
        return text

    @field_validator("root_path")
    @classmethod
    def _is_path(cls, text: str) -> str:
        try:
            return root_path(text)
        except ValueError:
            raise PydanticCustomError("root_path", f"name {_PATH}") from None

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


def _sentence(name: str, value: object, typed: Collection[str]) -> str:
    where = f"The option --{name.replace('_', '-')}" if name in typed else f"The setting {variable(name)}"
    return f"{where} is not usable: it is {without_secrets(value)}, and takes {taken(Settings.model_fields[name])}."
