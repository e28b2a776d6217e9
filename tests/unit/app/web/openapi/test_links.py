"""What is made leads to what can be done with it."""

from typing import Any

from app.web.openapi import links


def operation(name: str, status: str = "200") -> dict[str, Any]:
    return {"operationId": name, "responses": {status: {"content": {"application/json": {}}}}}


def test_a_thing_that_is_made_leads_to_the_operations_of_one() -> None:
    made = operation("createJob", "201")
    paths = {
        "/jobs": {"post": made, "get": operation("listJobs")},
        "/jobs/{job_id}": {"get": operation("getJob")},
        "/jobs/{job_id}/cancel": {"post": operation("cancelJob")},
        "/jobs/{job_id}/events/{number}": {"get": operation("getEvent")},
        "/jobs/held": {"get": operation("listHeld")},
    }
    links.add({"paths": paths})
    one = {"job_id": "$response.body#/id"}
    assert made["responses"]["201"]["links"] == {
        "cancelJob": {"operationId": "cancelJob", "parameters": one},
        "getJob": {"operationId": "getJob", "parameters": one},
    }
    assert "links" not in paths["/jobs/{job_id}/cancel"]["post"]["responses"]["200"]
