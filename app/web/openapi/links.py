"""Which operation goes on where another ended (OpenAPI's links): what was made can be seen, followed and deleted."""

import re
from typing import Any

_MADE = ("200", "201")


def add(document: dict[str, Any]) -> None:
    """Links each operation that makes a thing to those of the thing: POST on a path, and what lies below it with the
    thing's id as the only unknown part."""
    paths = document["paths"]
    for path, item in paths.items():
        below = [(other, paths[other]) for other in paths if _is_of_one(other, path)]
        if "post" not in item or not below:
            continue
        for status in _MADE:
            answer = item["post"]["responses"].get(status)
            if answer is not None and "application/json" in answer.get("content", {}):
                answer["links"] = dict(sorted(_links(below)))


def _is_of_one(path: str, collection: str) -> bool:
    return re.fullmatch(re.escape(collection) + r"/\{\w+\}(/\w+)?", path) is not None


def _links(below: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for path, item in below:
        (name,) = re.findall(r"\{(\w+)\}", path)
        for operation in (one for key, one in item.items() if key != "parameters"):
            called = operation["operationId"]
            found.append((called, {"operationId": called, "parameters": {name: "$response.body#/id"}}))
    return found
