from benchmarks.pictures import peers


def test_letters_that_look_like_digits_are_counted_as_these() -> None:
    assert peers.digits_of(" O\n") == "0"
    assert [peers.digits_of(letter) for letter in "lIzZSsbBGgq7"] == [*"112255686997"]
