import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_store.errors import BadRef
from models_store.refs import Ref


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("digits", Ref("digits", "champion", None)),
        ("digits@previous", Ref("digits", "previous", None)),
        ("digits-semeion@7", Ref("digits-semeion", None, 7)),
        ("7", Ref("7", "champion", None)),
    ],
)
def test_the_three_forms(text: str, ref: Ref) -> None:
    assert Ref.parse(text) == ref


@pytest.mark.parametrize(
    "text",
    [
        *("", "@1", "digits@", "digits@0", "digits@01", "digits@7x", "digits@\u0667", "a@b@c"),
        *("-a", "A", "a" * 64, "../x", "a/b", "a\0", "a\n", "\uff0e\uff0e", "%2e%2e"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadRef):
        Ref.parse(text)


@given(st.text())
def test_no_text_gets_past_that_could_leave_a_folder(text: str) -> None:
    try:
        ref = Ref.parse(text)
    except BadRef:
        return
    assert set(ref.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
