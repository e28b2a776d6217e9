"""How a setting comes out of the environment: each text as it is meant, what is empty unset. Which settings there are
says `app.settings`.
"""

import ipaddress
import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from models_store.variables import PREFIX, absolute, folder, is_address, meant

DATABASE = "digitserve.db"
_PORT = r"(?::(?P<port>[0-9]{1,5}))?"
_NAME = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?"
_ADDRESS = r"\[(?P<v6>[0-9a-f:.]{2,45})\]"
_HOST = re.compile(rf"(?:\*|(?:\*\.)?{_NAME}|{_ADDRESS}){_PORT}", re.IGNORECASE)
_ORIGIN = re.compile(rf"[a-z][a-z0-9+.-]*://(?:{_NAME}|{_ADDRESS}){_PORT}", re.IGNORECASE)
_SYNONYMS = {"warn": "warning"}
_SEGMENT = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,62}")  # of a path, as no proxy spells it in another way
_OURS = (  # begin our own paths
    "docs", "healthz", "held", "metrics", "openapi.json", "readyz", "redoc", "review", "shadow", "ui", "v1", "v2",
)  # fmt: skip


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


def is_host(text: str) -> bool:
    """Whether it may stand among the names of a service: a name, `*.` before one, an address (IPv6 in brackets), `*`;
    with a port or without.
    """
    return _is_place(_HOST.fullmatch(text))


def is_origin(text: str) -> bool:
    """Whether it is a scheme, a host and perhaps a port, and nothing else, as browsers write them (RFC 6454, 6)."""
    return _is_place(_ORIGIN.fullmatch(text))


def is_receiver(text: str) -> bool:
    """Whether something can be sent there over HTTP: an http or https URL with a host, and a port that there is."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and text.isprintable()
    except ValueError:
        return False


def _is_place(found: re.Match[str] | None) -> bool:
    if found is None or int(found["port"] or 0) > 65_535:
        return False
    try:
        return not found["v6"] or bool(ipaddress.IPv6Address(found["v6"]))
    except ValueError:
        return False


def between_commas(text: str) -> list[str]:
    """What stands between the commas of a text."""
    return [one for one in map(str.strip, text.split(",")) if one]


def networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The addresses and networks that are named with a comma between them. Raises ValueError where one is neither, or
    holds every address there is.
    """
    found = tuple(ipaddress.ip_network(one, strict=False) for one in between_commas(text))
    if any(network.prefixlen == 0 for network in found):
        raise ValueError(text)
    return found


def root_path(text: str) -> str:
    """The path with a slash before it and none behind. Raises ValueError where it is none, or one of the service's own:
    nobody could say then which of the two a request means.
    """
    segments = text.strip("/").split("/") if text.strip("/") else []
    if not all(_SEGMENT.fullmatch(segment) for segment in segments) or (segments and segments[0] in _OURS):
        raise ValueError(text)
    return "".join(f"/{segment}" for segment in segments)
