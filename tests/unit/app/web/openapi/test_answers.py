"""ProblemAnswers that tell of problems: what is alike stands once, and every example is what the service would say."""

from app.web.openapi.answers import ProblemAnswers, headers, problem_schemas, schema_of
from app.web.problems import Problem

ONE = {404: ["file_not_found"], 503: ["database_unavailable", "draining"]}
OTHER = {404: ["job_not_found"], 503: ["draining", "database_unavailable"]}


def test_what_two_operations_say_stands_once() -> None:
    answers = ProblemAnswers([(ONE, "Problem"), (OTHER, "Problem")])
    shared = {"$ref": "#/components/responses/ServiceUnavailable"}
    assert answers.of(503, ONE[503]) == answers.of(503, OTHER[503]) == shared
    assert list(answers.components()["responses"]) == ["ServiceUnavailable"]
    own = answers.of(404, ONE[404])
    assert own["description"] == "Not Found: `file_not_found`"
    assert own["content"]["application/problem+json"]["examples"] == {
        "file_not_found": {"$ref": "#/components/examples/file_not_found"}
    }


def test_examples_are_those_of_the_codes_that_are_told() -> None:
    examples = ProblemAnswers([(ONE, "Problem")]).components()["examples"]
    assert set(examples) == {"file_not_found", "database_unavailable", "draining"}
    assert examples["file_not_found"]["value"]["status"] == 404


def test_a_code_with_two_statuses_has_an_example_of_each() -> None:
    told = {429: ["too_busy"], 503: ["too_busy"]}
    examples = ProblemAnswers([(told, "Problem")]).components()["examples"]
    statuses = {name: one["value"]["status"] for name, one in examples.items()}
    assert statuses == {"too_busy.429": 429, "too_busy.503": 503}


def test_below_v2_the_error_is_a_sentence() -> None:
    assert [schema_of(path) for path in ("/v1/files", "/v2", "/v2/models/{model}", "/v20")] == [
        "Problem", "OpenInferenceProblem", "OpenInferenceProblem", "Problem",
    ]  # fmt: skip
    components = ProblemAnswers([({404: ["model_not_found"]}, "OpenInferenceProblem")]).components()
    assert isinstance(components["examples"]["v2.model_not_found"]["value"]["error"], str)


def test_the_schemas_fit_every_answer() -> None:
    schemas = problem_schemas(with_open_inference=True)
    body = Problem(422, "image_invalid", "It is damaged.").body("req-1")
    for name in ("Problem", "OpenInferenceProblem"):
        assert set(schemas[name]["properties"]) == set(schemas[name]["required"]) == set(body)
        assert set(schemas[name]["examples"][0]) == set(body)
    assert set(schemas["ProblemError"]["properties"]) == set(body["error"])


def test_who_shall_come_back_is_told_when() -> None:
    assert "Retry-After" in headers(429) and "Retry-After" in headers(503) and "Retry-After" not in headers(422)
    assert "WWW-Authenticate" in headers(401) and "WWW-Authenticate" not in headers(403)
