"""The states of a job and the moves between them, against the table written out by hand."""

from app.jobs.job import ENDED, HELD, MOVES, Move, State

# from the fault table ("cancel in every state"), and the picture of one job's life
LEGAL = {
    "cancel": {"queued": "cancelled", "paused": "cancelled", "running": "cancelled"},
    "pause": {"queued": "paused", "running": "paused"},
    "resume": {"paused": "queued"},
    "claim": {"queued": "running", "running": "running", "publishing": "publishing"},
    "release": {"running": "queued", "publishing": "publishing"},
    "publish": {"running": "publishing", "publishing": "publishing"},
    "succeed": {"publishing": "succeeded"},
    "fail": {"running": "failed", "publishing": "failed"},
}


def test_every_legal_move_and_no_other() -> None:
    assert {str(move): {str(a): str(b) for a, b in steps.items()} for move, steps in MOVES.items()} == LEGAL


def test_an_end_is_the_end() -> None:
    assert {"succeeded", "failed", "cancelled"} == ENDED
    assert not any(state in steps for steps in MOVES.values() for state in ENDED)


def test_every_state_is_reached_and_left() -> None:
    reached = {State.QUEUED}
    for _ in State:
        reached |= {after for steps in MOVES.values() for before, after in steps.items() if before in reached}
    assert reached == set(State)
    assert {before for steps in MOVES.values() for before in steps} == set(State) - ENDED


def test_only_whoever_holds_a_job_publishes_and_ends_it() -> None:
    for move in (Move.RELEASE, Move.PUBLISH, Move.SUCCEED, Move.FAIL):
        assert set(MOVES[move]) <= HELD
    assert set(MOVES[Move.SUCCEED]) == {State.PUBLISHING}  # nothing succeeds that was not allowed to publish


def test_what_may_be_visible_already_is_not_cancelled() -> None:
    seen: set[State] = {State.PUBLISHING}
    before: set[State] = set()
    while seen != before:
        before = set(seen)
        seen |= {steps[state] for steps in MOVES.values() for state in before if state in steps}
    assert seen == {State.PUBLISHING, State.SUCCEEDED, State.FAILED}
