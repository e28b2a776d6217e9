"""The headers of each answer are spelled as ASGI has them, and few."""

from app.web.access.headers import SAFE


def test_names_are_lower_case_and_stand_once() -> None:
    names = [name for name, _ in SAFE]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and name.isascii() and value for name, value in SAFE)


def test_nothing_runs_is_framed_guessed_or_told() -> None:
    said = dict(SAFE)
    assert said[b"x-content-type-options"] == b"nosniff"
    assert said[b"content-security-policy"].split(b"; ") == [b"default-src 'none'", b"frame-ancestors 'none'"]
    assert said[b"referrer-policy"] == b"no-referrer"
    assert said[b"cross-origin-resource-policy"] == b"same-origin"
    assert b"server" not in said
