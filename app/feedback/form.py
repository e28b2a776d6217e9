"""The body of a correction -> the picture's bytes and what is said of it."""

from collections.abc import Mapping

from anyio.to_thread import run_sync
from starlette.requests import Request

from app.errors import Unprocessable
from app.web.multipart import Part, parts, without_file
from app.web.request import FORM, kind_of, one_picture
from models_store.datasets.rows import shown

FIELDS = ("label", "model", "read_as")
_LONGEST_FIELD = 1000  # bytes
_LONGEST_NAME = 40


async def receive(request: Request, query: Mapping[str, str]) -> tuple[bytes, Mapping[str, str]]:
    """The picture, and the texts of FIELDS that there are: the form's own win over the query's.

    Raises BadRequest, Unprocessable (`file_missing`, `too_many_files`, `field_unknown`, `field_repeated`,
    `bad_string`), UnsupportedMediaType.
    """
    if kind_of(request) != FORM:
        return await one_picture(request), query
    found = await run_sync(parts, await request.body(), request.headers["content-type"])
    files = [part for part in found if part.name == "file" and part.is_file]
    if len(files) > 1:
        raise Unprocessable("too_many_files", "The request has several files. Send one picture at a time.", "file")
    texts: dict[str, str] = {}
    for part in found:
        if part.name == "file":  # as a text it is no picture
            continue
        if part.name not in FIELDS or b"filename" in part.disposition:
            came, listed = shown(part.name[:_LONGEST_NAME]), ", ".join(FIELDS)
            sentence = f"The form has `{came}`. Send the picture as `file`, and beside it only {listed} as texts."
            raise Unprocessable("field_unknown", sentence)
        if part.name in texts:
            raise Unprocessable("field_repeated", f"The field {part.name} comes twice. Send it once.", part.name)
        texts[part.name] = _text(part)
    if not files:
        raise without_file(found, "file")
    if not files[0].data:
        raise Unprocessable("file_missing", "There is no picture in the request. Send it as the field `file`.", "file")
    return bytes(files[0].data), {**query, **texts}


def _text(part: Part) -> str:
    if len(part.data) > _LONGEST_FIELD:
        sentence = f"A text field is longer than {_LONGEST_FIELD:,} bytes. Shorten it."
        raise Unprocessable("bad_string", sentence, part.name)
    try:
        return part.data.decode()
    except UnicodeDecodeError:
        raise Unprocessable("bad_string", "A text field is no UTF-8. Encode it so.", part.name) from None
