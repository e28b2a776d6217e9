"""A refusal: one sentence, and the code that the command ends with."""

import pytest

from app.cli.main import main
from app.cli.refusal import Refusal


def test_a_refusal_is_its_sentence_and_ends_with_1() -> None:
    refusal = Refusal("The job has ended.")
    assert (str(refusal), refusal.exit_code) == ("The job has ended.", 1)


def test_where_the_command_itself_was_wrong_it_ends_with_2() -> None:
    assert Refusal("There is no such file.", 2).exit_code == 2


def test_all_that_is_printed_is_the_sentence_behind_the_programs_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "create", "digits", "--file", "nowhere.zip", "--url", "http://127.0.0.1:9"]) == 2
    assert capsys.readouterr() == ("", "digitserve: There is no file or folder nowhere.zip. Look at the path.\n")
