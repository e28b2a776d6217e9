"""/v1/files: data sets come, are looked at, and go, in OpenAI's shapes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path as FilePath
from typing import Annotated, Any, BinaryIO, Literal
from urllib.parse import quote

from anyio.to_thread import run_sync  # its threads are not those in which predictions are prepared
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.files.inspection import Inspections
from app.files.intake import PIECE, PURPOSE, RAW_TYPES, receive
from app.files.presenters import listed, shown
from app.files.room import OpenUploads
from app.files.schemas import FileDeleted, FileList, FileObject
from app.files.store import DATA, FileStore, InUse
from app.web.access.visitor import client_of
from app.web.connection import while_connected
from app.web.openapi import raises
from app.web.openapi.codes import data_sets, door, kept, pictures
from app.web.route import StrictRoute
from models_store.specs import InputSpec

_PAGE = 100  # files in one answer
_BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
_FORM: dict[str, Any] = {
    "title": "FileForm",
    "description": "A data set.",
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {**_BINARY, "description": "the data set"},
        "purpose": {"type": "string", "enum": [PURPOSE], "description": "the only one that there is"},
    },
}
_BODY: dict[str, Any] = {
    "required": True,
    "description": "A zip with a folder per label (in `train`, `val`, `test`, if it has parts), one with pictures and "
    'a `labels.csv`, JSONL of `{"image": base64, "label": "7"}`, or a CSV of labels and pixels: as the multipart field '
    "`file`, or as the body.",
    "content": {"multipart/form-data": {"schema": _FORM}} | {kind: {"schema": _BINARY} for kind in RAW_TYPES},
}


_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes as they came", "content": {"application/octet-stream": {"schema": _BINARY}}}
}
IdParam = Annotated[str, Path(description="a file's id", examples=["file-0a1b2c3d4e5f60718293a4b5"])]


def router(store: FileStore, spec: Callable[[], InputSpec], in_use: InUse, inspections: Inspections) -> APIRouter:
    """The routes, answering from `store`.

    `spec` tells, in a thread, what pictures are prepared for when a data set is looked at; what it raises is answered.
    `in_use` tells which job keeps a file from being deleted; `inspections` reads data sets, a few at a time.
    """
    routes = APIRouter(route_class=StrictRoute, prefix="/v1/files", tags=["files"])
    uploads = OpenUploads()

    @routes.post(
        "", summary="Upload a data set", openapi_extra={"requestBody": _BODY},
        responses=raises(
            door.FORM, door.TEXTS, door.ONE_FILE, data_sets.ARCHIVE, data_sets.DATA_SET, kept.UPLOAD, kept.WRITING,
            pictures.QUEUE,
        ),
    )  # fmt: skip
    async def upload_file(
        request: Request,
        purpose: Annotated[str, Query(description="where the body is no form")] = PURPOSE,
        filename: Annotated[str, Query(description="where the body is no form", examples=["digits.zip"])] = "data",
    ) -> FileObject:
        """Stores labelled pictures, and says row by row what can be learned from and what can't.

        Answered when they are safe on disk. A bad row is left out and reported; where the whole can't be used, nothing
        is stored.
        """
        length = int(request.headers.get("content-length", 0))  # limits.BodyLimits let only a number through
        client = client_of(request.scope)
        with uploads.one(client):
            async with _arriving(store, length) as folder:
                what = await receive(request, folder / DATA, filename, purpose, store.spare_bytes)
                report = await while_connected(request.scope, inspections.report(folder / DATA, spec, client))
                return shown(await run_sync(store.add, folder, what, report))

    _add_showing(routes, store)

    @routes.delete(
        "/{file_id}", summary="Delete a data set",
        responses=raises(kept.WRITING, "file_not_found", "file_in_use"),
    )  # fmt: skip
    def delete_file(file_id: IdParam) -> FileDeleted:
        """Removes the bytes and everything known of them; refused with 409 while a job that has not ended needs it."""
        store.delete(file_id, in_use)
        return FileDeleted(id=file_id)

    return routes


def _add_showing(routes: APIRouter, store: FileStore) -> None:
    @routes.get(
        "", summary="List the data sets", response_model=FileList, responses=raises("file_not_found")
    )  # fmt: skip
    def list_files(
        after: Annotated[str | None, Query(description="the last id of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=10_000, description=f"a page has at most {_PAGE}")] = _PAGE,
        order: Annotated[Literal["asc", "desc"], Query(description="by time")] = "desc",
        purpose: Annotated[str | None, Query(description="only those for this")] = None,
    ) -> Response:
        """The newest first, a page at a time. Ask for one file to see its bad rows and all of its labels."""
        found, more = (
            ([], False) if purpose not in (None, PURPOSE) else store.list(min(limit, _PAGE), after, order == "asc")
        )
        first, last = (found[0].id, found[-1].id) if found else (None, None)
        page = FileList(data=[listed(file) for file in found], first_id=first, last_id=last, has_more=more)
        return Response(page.model_dump_json(), media_type="application/json")  # written in this thread: it is long

    @routes.get("/{file_id}", summary="Show one data set", responses=raises("file_not_found"))
    def get_file(file_id: IdParam) -> FileObject:
        """The report that its upload was answered with."""
        return shown(store.get(file_id))

    @routes.get(
        "/{file_id}/content", summary="Download a data set", response_class=StreamingResponse,
        responses=_CONTENT | raises("file_not_found"),
    )  # fmt: skip
    def download_file(file_id: IdParam) -> StreamingResponse:
        """The bytes as they were uploaded."""
        known, data = store.open(file_id)
        headers = {"content-length": str(known.bytes), "content-disposition": _attachment(known.filename)}
        return StreamingResponse(_chunks(data), headers=headers, media_type="application/octet-stream")


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
