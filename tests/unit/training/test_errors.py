"""What the system refused becomes one sentence: what, where, and what to do."""

import errno
import inspect
import os
import shutil
from pathlib import Path

import pytest

from training import errors
from training.errors import TrainingError, sentence

STORE = Path("/srv/models")


@pytest.mark.parametrize(
    ("number", "what", "remedy"),
    [
        (errno.ENOSPC, "No space left on device", "Free some space and repeat the command."),
        (errno.EACCES, "Permission denied", "Change its permissions or name another place."),
        (errno.EROFS, "Read-only file system", "Name another place."),
        (errno.ENOENT, "No such file or directory", "Make its folder first."),
        (errno.ENOTDIR, "Not a directory", "A file is where a folder must be: move it away or name another folder."),
        (errno.EIO, "Input/output error", "Check that disk and repeat the command."),  # one without a remedy
    ],
)
def test_a_refusal_names_the_file_and_the_remedy(number: int, what: str, remedy: str) -> None:
    text = sentence(OSError(number, "words of a library", "/home/me/out.png"), STORE)
    assert text == f"{what}: /home/me/out.png. {remedy}"


def test_an_error_without_a_file_is_of_the_place_where_the_work_was() -> None:
    assert sentence(OSError(errno.ENOSPC, "full"), STORE).startswith("No space left on device: /srv/models. ")


@pytest.mark.parametrize("name", ["/srv/models/digits/.staging-x1", b"/srv/models/digits/.staging-x1"])
def test_hidden_names_are_our_own_and_their_folder_is_named(name: str | bytes) -> None:
    assert "Permission denied: /srv/models/digits. " in sentence(OSError(errno.EACCES, "no", name), STORE)


def test_a_reader_that_is_gone_has_no_place() -> None:
    assert sentence(BrokenPipeError(errno.EPIPE, "Broken pipe"), STORE) == (
        "Broken pipe. Whoever read the output is gone, so the command stopped."
    )


def test_a_copied_trees_errors_are_read_from_their_text(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(shutil.Error) as refusal:
        shutil.copytree(tmp_path / "from", tmp_path / "to")
    assert refusal.value.errno is None
    assert sentence(refusal.value, STORE) == f"{os.strerror(errno.ENOENT)}: /srv/models. Make its folder first."


def test_what_says_nothing_at_all_is_a_sentence_too() -> None:
    text = sentence(OSError("strange"), STORE)
    assert text == "The system refused to work on /srv/models. Check that disk and repeat the command."


def test_every_error_here_has_the_one_root_that_the_command_line_prints() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
    assert len(kinds) > 10
    assert all(issubclass(kind, TrainingError) and kind.__doc__ for kind in kinds)
