"""How a setting comes out of the environment: each text as it is meant, what is empty unset. Which settings there are
says `app.settings`.
"""

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from models_store.variables import PREFIX, absolute, folder, is_address, meant

DATABASE = "digitserve.db"
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


class Environment(BaseSettings):
    """Settings that are read from the environment. Each field is the variable DIGITSERVE_<FIELD>."""

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
        return {variable(name): str(getattr(self, name)) for name in type(self).model_fields}


def variable(name: str) -> str:
    """What a setting is called in the environment."""
    return f"{PREFIX}{name}".upper()


def taken(field: FieldInfo) -> str:
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


def is_database(url: str) -> bool:
    """Whether such a database can be used: a file or a server of PostgreSQL."""
    from sqlalchemy import make_url  # a tenth of a second that most commands need not spend
    from sqlalchemy.exc import ArgumentError

    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        return False
    if parts.drivername == "sqlite":
        return parts.database not in (None, "", ":memory:")
    return parts.drivername in ("postgresql", "postgres", "postgresql+psycopg") and bool(parts.database)
