"""The schemas of bodies, under names among the document's components, as those of answers are."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
_COMPONENTS = "#/components/schemas/"


def name(document: Json) -> None:
    """Moves each schema of a body that has a title, and those that it stands on, to the components; the body refers to
    it. What has no title is the bytes of a file."""
    schemas = document["components"]["schemas"]
    for content in _contents(document):
        schema = content["schema"]
        nested = schema.pop("$defs", {})
        if "title" in schema:
            nested, content["schema"] = {**nested, schema["title"]: schema}, {"$ref": _COMPONENTS + schema["title"]}
        for title, one in nested.items():
            known = schemas.setdefault(title, _moved(one))
            assert known == _moved(one), f"two schemas are called {title}"


def _contents(document: Json) -> Iterator[Json]:
    for item in document["paths"].values():
        for operation in item.values():
            yield from operation.get("requestBody", {}).get("content", {}).values()


def _moved(part: Any) -> Any:
    """The same with references as they are in the document."""
    if isinstance(part, list):
        return [_moved(one) for one in part]
    if not isinstance(part, dict):
        return part
    moved = {key: _moved(value) for key, value in part.items()}
    if isinstance(moved.get("$ref"), str):
        moved["$ref"] = moved["$ref"].replace("#/$defs/", _COMPONENTS)
    return moved
