"""What is said of a version's drift."""

import json

from app.telemetry.drift.compare import Rule
from app.telemetry.drift.course import Course
from app.telemetry.drift.report import described, said
from app.telemetry.drift.tally import Tally

RULE = Rule(windows=1)
EVEN = Tally(1000, 50, {str(digit): 100 for digit in range(10)})


def watched(*windows: Tally) -> Course:
    course, total = Course(RULE, EVEN, RULE.baseline_seconds), Tally()
    for number, window in enumerate((Tally(), *windows)):
        total = total.plus(window)
        course.look(total, number * RULE.window_seconds)
    return course


def test_too_few_for_a_baseline() -> None:
    course = Course(RULE, Tally(412, 20, {"7": 412}), 100.0)
    assert said("digits@7", course) == (
        "Too few readings to tell: 412 of 1,000 for a baseline of digits@7, which take 10 minutes at least."
    )
    facts = described("digits@7", course)
    assert (facts["state"], facts["readings"], facts["readings_needed"]) == ("too_few", 412, 1000)


def test_too_few_after_it() -> None:
    assert "3 of 500 after the baseline of digits@7" in said("digits@7", watched(Tally(3, 0, {"7": 3})))


def test_steady() -> None:
    course = watched(Tally(500, 25, {str(digit): 50 for digit in range(10)}))
    assert said("digits@7", course) == "What digits@7 reads looks like its baseline."


def test_drifted_names_both_shares() -> None:
    course = watched(Tally(500, 250, {"7": 500}))
    assert said("digits@7", course) == (
        "digits@7 is unsure of 50.0% of its last 500 readings, and of 5.0% in its baseline. "
        "digits@7 reads `7` in 100.0% of its last 500 readings, and of 10.0% in its baseline."
    )


def test_the_facts_are_json_with_few_labels() -> None:
    baseline = Tally(1000, 0, {f"label-{number}": number for number in range(60)})
    facts = described("leaves@3", Course(RULE, baseline, RULE.baseline_seconds))
    assert json.loads(json.dumps(facts)) == facts
    assert len(facts["baseline"]["labels"]) == 50
    assert "label-59" in facts["baseline"]["labels"]
