"""Whole examples are put together from those of fields."""

from typing import Any

import pytest

from app.web.openapi.examples import composed, fill

SCHEMAS: dict[str, Any] = {
    "Label": {"type": "object", "properties": {"label": {"type": "string", "examples": ["7", "8"]}}},
    "State": {"enum": ["running", "ended"]},
}
LABEL = {"$ref": "#/components/schemas/Label"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (LABEL, {"label": "7"}),
        ({"type": "array", "items": LABEL}, [{"label": "7"}]),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
        ({"anyOf": [LABEL, {"type": "null"}]}, {"label": "7"}),
        ({"const": "file"}, "file"),
        ({"type": "integer", "default": 3}, 3),
        ({"$ref": "#/components/schemas/State"}, "running"),
        ({"$ref": "#/components/schemas/State", "examples": ["ended"]}, "ended"),
        ({"type": "boolean"}, False),
    ],
)
def test_a_value_is_what_its_fields_say(schema: dict[str, Any], value: object) -> None:
    assert composed(schema, SCHEMAS) == value


def test_a_field_of_which_nobody_says_what_it_may_be_is_refused() -> None:
    with pytest.raises(LookupError):
        composed({"type": "object", "properties": {"name": {"type": "string"}}}, {})


def test_what_has_an_example_keeps_it() -> None:
    mine = {"application/json": {"schema": LABEL, "example": {"label": "3"}}}
    none = {"application/json": {"schema": LABEL}}
    operation = {"requestBody": {"content": none}, "responses": {"200": {"content": mine}, "204": {}}}
    fill({"paths": {"/x": {"post": operation}}, "components": {"schemas": SCHEMAS}})
    assert mine["application/json"]["example"] == {"label": "3"}
    assert none["application/json"]["example"] == {"label": "7"}
