"""Data sets are sent, jobs are made, followed and ended: each method a generator of steps."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Unpack

from digitserve.client.data_sets import FEEDBACK, Data, digest, is_known, packed
from digitserve.client.errors import DigitServeError, JobFailed, Refused
from digitserve.client.exchange import Asking
from digitserve.client.following import Following
from digitserve.client.learning import DataSet, Job, Outcome
from digitserve.client.orders import Order, request
from digitserve.client.reading import quoted
from digitserve.client.steps import Ask, Repeat, Steps, Upload
from digitserve.client.stream import JobEvent

JOBS, FILES = "/v1/fine_tuning/jobs", "/v1/files"
_PAGE = 100


class Teachers(Asking):
    """Has versions learn."""

    def upload(self, data: Data) -> Steps[DataSet]:
        """Sends labelled pictures: a path to a zip, a CSV or a JSONL file or to a folder with one for each label; the
        bytes of such a file; or a mapping from each label to its pictures.
        """
        return (yield from self._sent(packed(data)))

    def delete_file(self, file_id: str) -> Steps[None]:
        """Removes a data set from the server."""
        yield from self._exchange.ask(Ask("DELETE", f"{FILES}/{quoted(file_id)}"))

    def start(self, data: Data = FEEDBACK, **order: Unpack[Order]) -> Steps[Job]:
        """Starts a fine-tune with labelled pictures (see `upload`), with the id of an upload, or with all corrections
        (`feedback`). It does not wait for the job. Where no job comes of it, what was sent for it is deleted again.
        """
        wanted, key, sent = request(order), order.get("key"), list[str]()
        try:
            wanted["training_file"] = yield from self._file(data, key is not None, sent)
            validation = order.get("validation")
            if validation is not None:
                wanted["validation_file"] = yield from self._file(validation, key is not None, sent)
            headers = {"Idempotency-Key": key or secrets.token_hex(16)}
            return Job.of((yield from self._exchange.document(Ask("POST", JOBS, headers=headers, json=wanted))))
        except Refused:
            for file_id in sent:
                with suppress(DigitServeError):  # why there is no job is what must be heard
                    yield from self.delete_file(file_id)
            raise

    def teach(
        self,
        data: Data = FEEDBACK,
        *,
        on_event: Callable[[JobEvent], object] | None = None,
        **order: Unpack[Order],
    ) -> Steps[Outcome]:
        """Starts a job (see `start`), follows it to its end, and gives the version that it made. `on_event` is given
        each of its events meanwhile. Raises JobFailed where it made none.
        """
        job = yield from self.start(data, **order)
        return (yield from self.finish(job.id, on_event=on_event))

    def events(self, job_id: str, after: str = "0") -> Following:
        """Everything that happens to a job until it ends, over as many connections as it takes. `after` is the `number`
        of the last event that is known already.
        """
        return Following(self._exchange, f"{JOBS}/{quoted(job_id)}/events", after)

    def wait(self, job_id: str, *, on_event: Callable[[JobEvent], object] | None = None) -> Steps[Job]:
        """The job when it has ended, however it did. `on_event` is given each of its events meanwhile."""
        following = self.events(job_id)
        try:
            while (event := (yield from following.next())) is not None:
                if on_event is not None:
                    on_event(event)
        finally:
            yield from following.hang_up()
        return (yield from self.job(job_id))

    def finish(self, job_id: str, *, on_event: Callable[[JobEvent], object] | None = None) -> Steps[Outcome]:
        """What a job has made, when it has. Raises JobFailed where it made nothing."""
        job = yield from self.wait(job_id, on_event=on_event)
        if job.outcome is None:
            detail = job.error or f"The job {job.id} is {job.status}, and made no version."
            raise JobFailed(detail, job_id=job.id, code=job.error_code or f"job_{job.status}")
        return job.outcome

    def job(self, job_id: str) -> Steps[Job]:
        """One job."""
        return Job.of((yield from self._exchange.document(Ask("GET", f"{JOBS}/{quoted(job_id)}"))))

    def jobs(self, *, limit: int = 20, metadata: Mapping[str, str] | None = None) -> Steps[tuple[Job, ...]]:
        """The newest jobs first, at most `limit`; those that carry `metadata`, where that is given."""
        found: list[Job] = []
        query: dict[str, str | int] = {f"metadata[{name}]": text for name, text in (metadata or {}).items()}
        while len(found) < limit:
            page = yield from self._exchange.document(
                Ask("GET", JOBS, {**query, "limit": min(_PAGE, limit - len(found))})
            )
            found += [Job.of(job) for job in page["data"]]
            if not page["has_more"] or not page["data"]:
                break
            query["after"] = found[-1].id
        return tuple(found)

    def cancel(self, job_id: str) -> Steps[Job]:
        """Ends a job without a result. Raises Refused where it has ended already."""
        return (yield from self._move(job_id, "cancel", lambda job: job.status == "cancelled"))

    def pause(self, job_id: str) -> Steps[Job]:
        """Lets a job rest; it keeps its whole epochs."""
        return (yield from self._move(job_id, "pause", lambda job: job.paused))

    def resume(self, job_id: str) -> Steps[Job]:
        """Lets a paused job go on."""
        return (yield from self._move(job_id, "resume", lambda job: not job.paused))

    def _move(self, job_id: str, move: str, is_done: Callable[[Job], bool]) -> Steps[Job]:
        try:
            return Job.of((yield from self._exchange.document(Ask("POST", f"{JOBS}/{quoted(job_id)}/{move}"))))
        except Refused as refusal:
            if not refusal.may_be_done:
                raise
            job = yield from self.job(job_id)
            if not is_done(job):
                raise
            return job  # it was done, and the word of it was lost

    def _file(self, data: Data, is_repeated: bool, sent: list[str]) -> Steps[str]:
        """The id of a data set. What is uploaded for it joins `sent`; where the call may be a repetition of one before,
        the same bytes are not sent twice: to the server another file would be another job."""
        if is_known(data):
            return str(data)
        upload = packed(data)
        known = (yield from self._known(digest(upload))) if is_repeated else None
        if known is not None:
            return known
        sent.append((yield from self._sent(upload)).id)
        return sent[-1]

    def _sent(self, upload: Upload) -> Steps[DataSet]:
        ask = Ask("POST", FILES, form={"purpose": "fine-tune"}, files=(upload,), repeat=Repeat.WHERE_REFUSED)
        return DataSet.of((yield from self._exchange.document(ask)))

    def _known(self, sha256: str) -> Steps[str | None]:
        query: dict[str, str | int] = {}
        while True:
            page = yield from self._exchange.document(Ask("GET", FILES, query))
            found = next((str(file["id"]) for file in page["data"] if file["sha256"] == sha256), None)
            if found is not None or not page["has_more"]:
                return found
            query["after"] = page["last_id"]
