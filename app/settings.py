"""What the operator can set, read once. The only reader of the environment in this room."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

STORE = Path(__file__).parent.parent / "models_store" / "artifacts"


class Settings(BaseSettings):
    """Each field is the environment variable DIGITSERVE_<FIELD>; docs/settings.md lists them."""

    model_config = SettingsConfigDict(env_prefix="DIGITSERVE_", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    workers: int = Field(0, ge=0, le=256)
    store_dir: Path = STORE
    state_dir: Path = Path("var")
    database_url: str = ""
    data_dir: Path = Path("data")
    default_model: str = Field("digits", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    max_live_versions: int = Field(4, ge=1, le=64)
    max_body_bytes: int = Field(10 * 2**20, ge=1024)
    max_file_bytes: int = Field(64 * 2**20, ge=1024)
    max_image_pixels: int = Field(16_000_000, ge=784)
    job_workers: int = Field(1, ge=0, le=64)
    job_threads: int = Field(0, ge=0, le=1024)
    job_min_accuracy: float = Field(0.8, ge=0, le=1)
    job_lease_seconds: float = Field(15.0, ge=2, le=3600)
    job_stall_seconds: float = Field(300.0, ge=1)
    job_kept_days: float = Field(7.0, ge=0)
    feedback_max: int = Field(10_000, ge=1)
    feedback_kept_days: float = Field(0.0, ge=0)
    feedback_job_after: int = Field(0, ge=0)
    keep_uncertain: bool = False
    review_max: int = Field(1000, ge=1, le=10_000)
    review_kept_days: float = Field(30.0, ge=0)
    log_format: Literal["auto", "words", "json", "text"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("database_url")
    @classmethod
    def _is_known(cls, url: str) -> str:
        """A file or a server: everything else would fail later, and in every process anew."""
        if url and not _usable(url):
            hint = "name sqlite:////folder/file.db or postgresql://user:password@host:5432/name"
            raise PydanticCustomError("database_url", hint)
        return url

    @property
    def database(self) -> str:
        """SQLAlchemy's URL: a file in the state folder unless another is named."""
        return self.database_url or f"sqlite:///{(self.state_dir / 'digitserve.db').resolve()}"


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
