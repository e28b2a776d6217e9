"""What a route takes in a form: a file and texts. What comes beside them is refused, as an unknown parameter is."""

from collections.abc import Sequence

from starlette.requests import Request

from app.errors import Unprocessable
from app.web.multipart import Part, without_file
from app.web.route import address_takes
from models_store.text import quoted

_LONGEST_TEXT = 1000  # bytes


def check_fields(
    request: Request, form: Sequence[Part], file: str, texts: Sequence[str] = (), what: str = "picture"
) -> None:
    """Refuses what is neither a file of the name `file` nor one of the `texts`, each once.

    That there is no file it leaves to others. Raises Unprocessable (`field_unknown`, `field_repeated`).
    """
    has_file = any(part.name == file and part.is_file for part in form)
    seen: set[str] = set()
    for part in form:
        if part.name == file and (part.is_file or not has_file):
            continue
        if part.name not in texts or part.is_file:
            beside = f"and beside it only {', '.join(texts)} as texts" if texts else "and nothing beside it"
            sentence = f"The form has {_came(part, file, texts)}. Send the {what} as `{file}`, {beside}."
            raise Unprocessable("field_unknown", sentence + address_takes(request, {part.name}.difference(texts)))
        if part.name in seen:
            raise Unprocessable("field_repeated", f"The field {part.name} comes twice. Send it once.", part.name)
        seen.add(part.name)


def picture_of(form: Sequence[Part]) -> bytes:
    """The one picture of a form, its field `file`. Raises Unprocessable (`file_missing`, `too_many_files`)."""
    files = [part for part in form if part.name == "file" and part.is_file]
    if not files:
        raise without_file(form, "file")
    if len(files) > 1:
        raise Unprocessable("too_many_files", "The request has several files. Send one picture at a time.", "file")
    if not files[0].data:
        raise without_file([], "file")
    return bytes(files[0].data)


def check_length(part: Part) -> None:
    """Raises Unprocessable (`bad_string`) where a text has over 1,000 bytes."""
    if len(part.data) > _LONGEST_TEXT:
        sentence = f"A text field is longer than {_LONGEST_TEXT:,} bytes. Shorten it."
        raise Unprocessable("bad_string", sentence, part.name)


def _came(part: Part, file: str, texts: Sequence[str]) -> str:
    kind = " as a text" if part.name == file else " as a file" if part.name in texts else ""
    return quoted(part.name) + kind
