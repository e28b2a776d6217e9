"""Whole examples of answers, put together from those of their fields."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

Json = dict[str, Any]
_JSON = "application/json"


def fill(document: Json) -> None:
    """Gives each JSON body and answer that has a schema, and none of its own, an example."""
    schemas = document["components"]["schemas"]
    for content in _contents(document):
        if "schema" in content and not {"example", "examples"} & set(content):
            with suppress(LookupError):  # a contract test says where
                content["example"] = composed(content["schema"], schemas)


def _contents(document: Json) -> Iterator[Json]:
    for item in document["paths"].values():
        for operation in item.values():
            for carrier in (operation.get("requestBody", {}), *operation["responses"].values()):
                if _JSON in carrier.get("content", {}):
                    yield carrier["content"][_JSON]


def composed(schema: Json, schemas: Json) -> Any:
    """A value that fits the schema. Raises LookupError for a field of which nobody says what it may be."""
    if schema.get("examples"):
        return schema["examples"][0]
    if "$ref" in schema:
        return composed(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _one_of(schema["anyOf"], schemas)
    if schema.get("type") == "null":
        return None
    if schema.get("type") == "array":
        return [composed(schema["items"], schemas)]
    if schema.get("type") == "object":
        return {name: composed(one, schemas) for name, one in schema.get("properties", {}).items()}
    if schema.get("type") == "boolean":
        return False
    raise LookupError(f"no example: {schema}")


def _one_of(choices: list[Json], schemas: Json) -> Any:
    for choice in choices:
        try:
            return composed(choice, schemas)
        except LookupError:
            continue
    raise LookupError(f"no example: {choices}")
