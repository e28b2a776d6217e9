"""Who answers, told by what becomes of processes."""

from app.supervision.answering import Answering
from app.supervision.readiness import ANSWERING, FAILED
from app.supervision.slots import Slot
from app.web.problems import Problem


class Mouth:
    """Whether it would speak, and how often the server was given up."""

    def __init__(self) -> None:
        self.speaks = True
        self.given_up = 0

    def answer(self, problem: Problem) -> None:
        assert problem.status == 503
        self.speaks = True

    def rest(self) -> None:
        self.speaks = False

    def give_up(self) -> None:
        self.given_up += 1


def server(processes: int) -> tuple[Answering, Mouth]:
    mouth = Mouth()
    return Answering(processes, mouth, mouth.give_up), mouth


def slot(number: int, role: str = "api") -> Slot:
    return Slot(role, number, (), (), {})


def answers(pid: int) -> dict[str, object]:
    return {"event": ANSWERING, "level": "info", "pid": pid}


def test_somebody_stands_in_until_the_first_answers_and_when_none_does() -> None:
    answering, mouth = server(2)
    answering.started(slot(1), 11)
    answering.started(slot(2), 12)
    answering.told({"event": "version_loading", "version": "digits@1"})
    assert mouth.speaks
    answering.told(answers(11))
    assert not mouth.speaks
    answering.told(answers(12))
    answering.ended(slot(1), 11, -9)
    assert not mouth.speaks
    answering.ended(slot(2), 12, 1)
    assert mouth.speaks
    answering.started(slot(2), 22)
    answering.told(answers(22))
    assert not mouth.speaks


def test_what_a_dead_process_said_last_counts_for_nothing() -> None:
    answering, mouth = server(1)
    answering.started(slot(1), 11)
    answering.ended(slot(1), 11, -9)
    answering.told(answers(11))
    assert mouth.speaks


def test_a_start_has_failed_when_every_process_ended_by_itself_before_any_answered() -> None:
    answering, mouth = server(2)
    answering.ended(slot(1), 11, 1)
    assert answering.failure() is None and mouth.given_up == 0
    answering.told({"event": FAILED, "level": "error", "why": "There is no GPU."})
    answering.ended(slot(2), 12, 1)
    assert (answering.failure(), mouth.given_up) == ("There is no GPU.", 1)


def test_without_a_reason_it_points_at_what_the_processes_printed() -> None:
    answering, _ = server(1)
    answering.ended(slot(1), 11, 1)
    assert "stands above" in str(answering.failure())


def test_processes_that_are_killed_have_three_tries() -> None:
    answering, mouth = server(1)
    for pid in (11, 12):
        answering.ended(slot(1), pid, -9)
        assert answering.failure() is None
    answering.ended(slot(1), 13, -4)  # SIGILL: a processor that torch does not know
    assert answering.failure() and mouth.given_up == 1


def test_once_one_has_answered_the_server_stays() -> None:
    answering, mouth = server(1)
    answering.started(slot(1), 11)
    answering.told(answers(11))
    for pid in range(11, 31):
        answering.ended(slot(1), pid, 1)
    assert answering.failure() is None and mouth.given_up == 0 and mouth.speaks and answering.began


def test_before_that_it_has_not_begun() -> None:
    answering, _ = server(1)
    answering.started(slot(1), 11)
    assert not answering.began


def test_a_worker_that_cannot_start_takes_nobodys_answer_away() -> None:
    answering, mouth = server(1)
    answering.started(slot(1), 11)
    for pid in range(100, 110):
        answering.started(slot(1, "worker"), pid)
        answering.ended(slot(1, "worker"), pid, 1)
    assert answering.failure() is None
    answering.told(answers(11))
    answering.ended(slot(1, "worker"), 110, 1)
    assert answering.failure() is None and not mouth.speaks
