"""The body of an upload -> a file on disk while it arrives, in any wrapping.

At most two pieces of PIECE bytes are in memory; parsing and writing happen in threads, never on the event loop.
"""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from anyio.to_thread import run_sync
from starlette.requests import Request

from app.errors import Unprocessable
from app.files.store import Upload
from app.storage.disk import SPARE_BYTES, Sink
from app.web.form import check_fields, check_length
from app.web.multipart import Multipart, Part, without_file
from app.web.request import FORM, kind_of, other_kind
from models_store.text import shown

PIECE = 256 * 1024  # bytes
PURPOSE = "fine-tune"  # what files are for: OpenAI's word
RAW_TYPES = (
    "application/zip", "application/x-zip-compressed", "application/jsonl", "application/x-ndjson", "text/csv",
    "application/octet-stream",
)  # fmt: skip
_TEXTS = ("purpose",)
_MAX_PARTS = 20


async def receive(
    request: Request, target: Path, filename: str, purpose: str, spare_bytes: int = SPARE_BYTES
) -> Upload:
    """Writes the uploaded file to `target`, durably: the multipart field `file`, or the whole body. `spare_bytes` of
    the disk stay free, whatever length was said.

    `filename` and `purpose` are what the query says; a form's own win. Raises BadRequest, Unprocessable
    (`file_missing`, `too_many_files`, `field_unknown`, `field_repeated`, `bad_string`, `purpose_unknown`,
    `expiry_unsupported`), UnsupportedMediaType, StorageFull, and PayloadTooLarge where the app's cap is reached.
    """
    kind = kind_of(request)
    if kind != FORM and kind not in RAW_TYPES:
        listed = ", ".join(RAW_TYPES)
        raise other_kind(kind, f"{FORM} with the data set as `file`, or the data set itself as {listed}")
    with await run_sync(Sink, target, spare_bytes) as sink:
        if kind == FORM:
            form = _Form(request.headers["content-type"], sink)
            await _pump(request, form.multipart.feed)
            await run_sync(form.multipart.end)
            form.check(request)
            filename, purpose = form.filename or filename, form.texts.get("purpose", purpose)
        else:
            await _pump(request, sink.write)
        if purpose != PURPOSE:
            raise Unprocessable("purpose_unknown", f"Files have one purpose here: send {PURPOSE}.", "purpose")
        if not sink.bytes:
            raise Unprocessable("file_missing", "There is no data set in the request. Send it as `file`.", "file")
        await run_sync(sink.sync)
        return Upload(_base(filename), purpose, sink.bytes, sink.sha256)


async def _pump(request: Request, feed: Callable[[bytes], None]) -> None:
    """Hands the body on in pieces: a thread for every chunk of the network would cost more than the work in it."""
    waiting = bytearray()
    async for chunk in request.stream():
        waiting += chunk
        if len(waiting) >= PIECE:
            piece, waiting = waiting, bytearray()
            await run_sync(feed, bytes(piece))
    await run_sync(feed, bytes(waiting))


class _Form:
    """The parts of an upload's form: the file goes to the sink, short texts are kept."""

    def __init__(self, content_type: str, sink: Sink) -> None:
        self.multipart = Multipart(content_type, self._piece, _MAX_PARTS)
        self._sink = sink
        self._file: Part | None = None

    @property
    def filename(self) -> str:
        """What the client calls the file, empty where it does not say."""
        return self._file.filename if self._file else ""

    @property
    def texts(self) -> dict[str, str]:
        """The text fields by their names."""
        found = (part for part in self.multipart.parts if not part.is_file)
        return {part.name: part.data.decode("utf-8", "replace") for part in found}

    def check(self, request: Request) -> None:
        """Refuses a form without the file, and what a client may ask for and would not get. Raises Unprocessable."""
        form = self.multipart.parts
        if any(name.startswith("expires_after") for name in self.texts):
            raise Unprocessable(
                "expiry_unsupported", "Files stay until they are deleted. Leave out expires_after.", "expires_after"
            )
        if self._file is None:
            raise without_file(form, "file", "data set")
        check_fields(request, form, "file", _TEXTS, "data set")

    def _piece(self, part: Part, piece: bytes) -> None:
        if not part.is_file:
            if part.name != "file":  # as a text it is no data set, whatever its length: `check` says so
                part.data += piece
                check_length(part)
        elif part.name == "file":
            self._file = self._file or part
            if part is not self._file:
                raise Unprocessable("too_many_files", "The request has two files. Send one at a time.", "file")
            self._sink.write(piece)


def _base(filename: str) -> str:
    """The last part of a path of any system, as a text that nothing can misread."""
    return shown(PurePosixPath(filename.replace("\\", "/")).name) or "data"
