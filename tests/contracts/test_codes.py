"""There is one list of all codes: what the source raises, what docs/codes.md explains and what operations declare is
the same."""

from collections import Counter

from app.web import error_handlers
from app.web.openapi.codes import SECTIONS, known
from app.web.openapi.document import operations
from models_store.datasets.rows import RowRejected, label_of
from tests.contracts import codes, declared
from tests.contracts.codes import ROOT
from training import job
from training.errors import TrainingDiverged

# What is said by names that are another's: the place of the reason says which they are.
PASSED_ON = {
    ("label_invalid", 422),  # `label_of`, to who sends a correction
    ("row_malformed", 422),  # the first line of a table, of a whole data set
    ("row_too_long", 422),
    ("extension_missing", 404),  # a Problem whose status is the address's
}
NEVER_SENT = {("data_missing", 422)}  # a path, which only a command or a job names
UNREADABLE = Counter(
    {  # an error that is made anew of what a child process says, or of a framework's
        "app/decoding/outcomes.py": 3,
        "app/decoding/work.py": 1,
        "app/jobs/attempt.py": 1,
        "app/jobs/worker.py": 1,
        "app/web/error_handlers.py": 1,
        "app/web/openapi/answers.py": 1,
    }
)
OF_COMMANDS = "app/storage/backup/"  # what `digitserve backup` says, to nobody else


def of_trainings() -> set[tuple[str, int]]:
    errors = MemoryError(), OSError(28, "full"), OSError(30, "read-only"), ValueError(), TrainingDiverged("x")
    return {(code, 0) for _, code in job._CODES} | {(job.reason(error)[0], 0) for error in errors}


def in_source() -> dict[tuple[str, int], str]:
    found = {(code, status): where for code, status, where in codes.raised() if not where.startswith(OF_COMMANDS)}
    handled = {(code, status): "error_handlers" for status, (code, _) in error_handlers._SENTENCES.items()}
    others = dict.fromkeys(
        {*of_trainings(), *PASSED_ON, ("feedback_not_found", 0), ("data_missing", 0), ("job_lost", 0)}, ""
    )
    return {**found, **handled, **others}


def test_every_code_of_the_source_is_in_the_list_and_every_code_of_the_list_in_the_source() -> None:
    found = in_source()
    listed = {(name, code.status) for name, ways in known().items() for code in ways}
    missing = {pair: where for pair, where in found.items() if pair not in listed | NEVER_SENT}
    assert not missing, "add them to app/web/openapi/codes"
    assert listed - set(found) == set(), "nobody says them"


def test_codes_are_read_wherever_they_are_said() -> None:
    assert Counter(codes.unread()) == UNREADABLE, "say the code as a text, or as a name of the module for one"


def test_what_is_passed_on_is_what_the_other_says() -> None:
    try:
        label_of("\u202e7")
    except RowRejected as refusal:
        assert (refusal.code, 422) in PASSED_ON


def test_the_page_shows_the_list() -> None:
    """After a wanted change: python -m tests.contracts.codes > docs/codes.md"""
    assert (ROOT / "docs" / "codes.md").read_text() == codes.written()


def test_every_code_has_a_meaning_and_says_what_to_do() -> None:
    for groups in SECTIONS.values():
        for name, code in (pair for group in groups for pair in group.items()):
            assert name.replace("_", "").isalnum() and name == name.lower()
            assert code.status == 0 or 400 <= code.status < 600
            for text in (code.meaning, code.remedy):
                assert text.endswith((".", "?")) and (text[0].isupper() or text[0] == "`") and "|" not in text, name


def test_each_code_of_an_answer_is_declared_by_an_operation() -> None:
    """Those of an address that no operation has, apart."""
    told = {
        (code, int(status))
        for _, _, operation in operations(declared.document())
        for status, answer in operation["responses"].items()
        if int(status) >= 400
        for code in declared.resolved(answer)["content"][declared.PROBLEM]["examples"]
    }
    listed = {(name, code.status) for name, ways in known().items() for code in ways if code.status}
    nowhere = {("not_found", 404), ("method_not_allowed", 405), ("extension_missing", 404)}
    assert listed - told == nowhere
    assert told <= listed
