"""Schemas of bodies get names."""

from typing import Any

import pytest

from app.web.openapi import bodies


def document(*schemas: dict[str, Any]) -> dict[str, Any]:
    paths = {f"/{n}": {"post": {"requestBody": {"content": {"x": {"schema": one}}}}} for n, one in enumerate(schemas)}
    return {"paths": {**paths, "/plain": {"get": {}}}, "components": {"schemas": {}}}


def test_a_schema_moves_with_those_that_it_stands_on() -> None:
    inner = {"title": "Inner", "type": "object"}
    given = document({"title": "Outer", "properties": {"a": {"$ref": "#/$defs/Inner"}}, "$defs": {"Inner": inner}})
    bodies.name(given)
    assert given["components"]["schemas"] == {
        "Inner": inner,
        "Outer": {"title": "Outer", "properties": {"a": {"$ref": "#/components/schemas/Inner"}}},
    }
    content = given["paths"]["/0"]["post"]["requestBody"]["content"]["x"]
    assert content == {"schema": {"$ref": "#/components/schemas/Outer"}}


def test_bytes_stay_where_they_are() -> None:
    given = document({"type": "string", "format": "binary"})
    bodies.name(given)
    assert given["components"]["schemas"] == {}


def test_two_schemas_of_one_name_are_refused_unless_they_are_the_same() -> None:
    bodies.name(document({"title": "Form", "type": "object"}, {"title": "Form", "type": "object"}))
    with pytest.raises(AssertionError, match="Form"):
        bodies.name(document({"title": "Form", "type": "object"}, {"title": "Form", "type": "array"}))
