"""/v1/files: data sets come, are looked at, and go, in OpenAI's shapes. It knows no job and no model."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path as FilePath
from typing import Annotated, Any, BinaryIO, Literal
from urllib.parse import quote

from anyio.to_thread import run_sync  # its threads are not those in which predictions are prepared
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from app.files.inspection import Inspections
from app.files.intake import PIECE, PURPOSE, RAW_TYPES, receive
from app.files.store import DATA, FileStore, InUse, StoredFile
from app.web.connection import while_connected
from app.web.problems import EXAMPLE_RESPONSE
from models_store.specs import InputSpec

_PAGE = 100  # files in one answer
_LISTED_LABELS = 100  # of each
_BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": _BINARY, "purpose": {"type": "string", "enum": [PURPOSE]}},
}
_BODY: dict[str, Any] = {
    "required": True,
    "description": "A zip with a folder per label, a zip with pictures and a `labels.csv`, JSONL of "
    '`{"image": base64, "label": "7"}`, or a CSV of labels and pixels: as the multipart field `file`, or as the body.',
    "content": {"multipart/form-data": {"schema": _FORM}} | {kind: {"schema": _BINARY} for kind in RAW_TYPES},
}


class BadRow(BaseModel):
    """A row that was refused, or contradicts one before it."""

    where: str = Field(description="a name in the archive, or a line", examples=["7/scan.png"])
    code: str = Field(examples=["image_truncated"])
    why: str = Field(examples=["The picture is cut off. Send all of it."])


class ListedReport(BaseModel):
    """What became of the rows: `rows` = `kept` + `duplicates` + `conflicting_labels` + all `refused`."""

    rows: int = Field(examples=[200])
    kept: int = Field(description="pictures to learn from", examples=[197])
    duplicates: int = Field(description="the same picture with the same label again", examples=[1])
    conflicting_labels: int = Field(description="pictures with two labels; no copy is kept", examples=[0])
    refused: dict[str, int] = Field(description="rows by the code of the reason", examples=[{"image_truncated": 2}])
    per_label: dict[str, int] = Field(
        description=f"pictures kept; in a list, of the first {_LISTED_LABELS} labels", examples=[{"1": 98, "7": 99}]
    )
    input: dict[str, Any] = Field(description="what the pictures were prepared for: the default model's input")


class FileReport(ListedReport):
    """What became of the rows, with examples."""

    examples: list[BadRow] = Field(description="the first hundred that are bad")


class ListedFile(BaseModel):
    """One data set in a list: OpenAI's fields, then ours."""

    id: str = Field(examples=["file-0a1b2c3d4e5f60718293a4b5"])
    object: Literal["file"] = "file"
    bytes: int = Field(examples=[118811])
    created_at: int = Field(description="Unix time", examples=[1790000000])
    filename: str = Field(description="what the client called it", examples=["digits.zip"])
    purpose: str = Field(examples=[PURPOSE])
    status: Literal["processed"] = "processed"
    sha256: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    report: ListedReport


class FileObject(ListedFile):
    """One data set: OpenAI's fields, then ours."""

    report: FileReport


class FileList(BaseModel):
    """A page of data sets. The next one begins behind `last_id`."""

    object: Literal["list"] = "list"
    data: list[ListedFile]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeleted(BaseModel):
    """OpenAI's answer to a deletion."""

    id: str = Field(examples=["file-0a1b2c3d4e5f60718293a4b5"])
    object: Literal["file"] = "file"
    deleted: bool = True


_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes as they came", "content": {"application/octet-stream": {"schema": _BINARY}}}
}
IdParam = Annotated[str, Path(description="a file's id", examples=["file-0a1b2c3d4e5f60718293a4b5"])]


def router(store: FileStore, spec: Callable[[], InputSpec], in_use: InUse) -> APIRouter:
    """The routes, answering from `store`.

    `spec` tells, in a thread, what pictures are prepared for when a data set is looked at; what it raises is answered.
    `in_use` tells which job keeps a file from being deleted.
    """
    routes = APIRouter(prefix="/v1/files", tags=["files"], responses={"default": EXAMPLE_RESPONSE})
    readings = Inspections()

    @routes.post("", summary="Upload a data set", openapi_extra={"requestBody": _BODY})
    async def upload(
        request: Request,
        purpose: Annotated[str, Query(description="where the body is no form")] = PURPOSE,
        filename: Annotated[str, Query(description="where the body is no form", examples=["digits.zip"])] = "data",
    ) -> FileObject:
        """Stores labelled pictures, and says row by row what can be learned from and what can't.

        Answered when they are safe on disk. A bad row is left out and reported; where the whole can't be used, nothing
        is stored.
        """
        length = int(request.headers.get("content-length", 0))  # limits.BodyLimit let only a number through
        async with _arriving(store, length) as folder:
            what = await receive(request, folder / DATA, filename, purpose)
            report = await while_connected(request, readings.report(folder / DATA, spec))
            return _shown(await run_sync(store.add, folder, what, report))

    @routes.get("", summary="List the data sets", response_model=FileList)
    def files(
        after: Annotated[str | None, Query(description="the last id of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=10_000, description=f"a page has at most {_PAGE}")] = _PAGE,
        order: Annotated[Literal["asc", "desc"], Query(description="by time")] = "desc",
        purpose: Annotated[str | None, Query()] = None,
    ) -> Response:
        """The newest first, a page at a time. Ask for one file to see its bad rows and all of its labels."""
        found, more = (
            ([], False) if purpose not in (None, PURPOSE) else store.list(min(limit, _PAGE), after, order == "asc")
        )
        first, last = (found[0].id, found[-1].id) if found else (None, None)
        page = FileList(data=[_listed(file) for file in found], first_id=first, last_id=last, has_more=more)
        return Response(page.model_dump_json(), media_type="application/json")  # written in this thread: it is long

    @routes.get("/{file_id}", summary="Show one data set")
    def file(file_id: IdParam) -> FileObject:
        """The report that its upload was answered with."""
        return _shown(store.get(file_id))

    @routes.get(
        "/{file_id}/content", summary="Download a data set", response_class=StreamingResponse, responses=_CONTENT
    )
    def content(file_id: IdParam) -> StreamingResponse:
        """The bytes as they were uploaded."""
        known, data = store.open(file_id)
        headers = {"content-length": str(known.bytes), "x-content-type-options": "nosniff"}
        headers |= {"content-disposition": _attachment(known.filename)}
        return StreamingResponse(_chunks(data), headers=headers, media_type="application/octet-stream")

    @routes.delete("/{file_id}", summary="Delete a data set")
    def delete(file_id: IdParam) -> FileDeleted:
        """Removes the bytes and everything known of them; refused with 409 while a job that has not ended needs it."""
        store.delete(file_id, in_use)
        return FileDeleted(id=file_id)

    return routes


@asynccontextmanager
async def _arriving(store: FileStore, length: int) -> AsyncIterator[FilePath]:
    """`FileStore.arriving` with its work in threads."""
    place = store.arriving(length)
    folder = await run_sync(place.__enter__)
    try:
        yield folder
    finally:
        await run_sync(place.__exit__, None, None, None)


async def _chunks(data: BinaryIO) -> AsyncIterator[bytes]:
    with data:
        while piece := await run_sync(data.read, PIECE):
            yield piece


def _attachment(filename: str) -> str:
    """A Content-Disposition (RFC 6266) that makes browsers save, never show."""
    quoted = quote(filename)
    return f'attachment; filename="{filename}"' if quoted == filename else f"attachment; filename*=utf-8''{quoted}"


def _shown(file: StoredFile) -> FileObject:
    return FileObject(report=FileReport.model_validate(file.report), **_facts(file))


def _listed(file: StoredFile) -> ListedFile:
    few = dict(islice(file.report["per_label"].items(), _LISTED_LABELS))
    return ListedFile(report=ListedReport.model_validate({**file.report, "per_label": few}), **_facts(file))


def _facts(file: StoredFile) -> dict[str, Any]:
    names = ("id", "bytes", "filename", "purpose", "sha256")
    return {name: getattr(file, name) for name in names} | {"created_at": int(file.created_at)}
