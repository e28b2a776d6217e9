"""A receiver of traces that does not take them keeps nobody from anything, and is named once."""

import pytest
from structlog.testing import capture_logs

from app.main import create_app
from app.settings import Settings
from tests.conftest import EXAMPLES, running
from tests.integration.telemetry.tracing.receiver import receiving
from tests.support.answering import Answer

PICTURE = (EXAMPLES / "7.png").read_bytes()
PNG = {"content-type": "image/png"}


@pytest.mark.parametrize("breaks", [False, True], ids=["nobody listens", "it breaks"])
async def test_where_nobody_takes_them_that_is_said_once(breaks: bool, caplog: pytest.LogCaptureFixture) -> None:
    with receiving(*[Answer(500)] * 3) as receiver, capture_logs() as logs:
        url = receiver.url if breaks else "http://127.0.0.1:1/v1/traces"

        def said() -> list[str]:
            return [line["event"] for line in logs if line["event"].startswith("traces_")]

        async with running(create_app(Settings(traces_url=url))) as http:
            while said() != (["traces_not_sent", "traces_sent_again"] if breaks else ["traces_not_sent"]):
                answer = await http.post("/v1/predict", content=PICTURE, headers=PNG)
                assert answer.status_code == 200
        assert said()[1:] == ["traces_sent_again"] * breaks, "the end says no more"
    assert [record.name for record in caplog.records if "digitserve" not in record.name] == []
