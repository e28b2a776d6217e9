from models_store.pictures.formats.essence import Essence, too_complex


def test_a_file_is_upright_unless_something_says_otherwise() -> None:
    assert Essence(b"pixels").orientation == 1


def test_a_refusal_says_why_and_what_to_do() -> None:
    refused = too_complex("has more than 9 scans")
    assert (refused.code, str(refused)) == (
        "image_too_complex", "The picture has more than 9 scans. Save it as PNG and resend it."
    )  # fmt: skip
    assert str(too_complex("is odd", "Save it again.")) == "The picture is odd. Save it again."
