"""What any request may be told, whatever its route: of its bytes, of who sends it, of its address and its body."""

from app.web.openapi.codes.code import Code, Codes

_LATER = "Repeat the request in a few seconds."
_LIBRARY = "Let your HTTP library write it."

WIRE: Codes = {
    "request_malformed": Code(400, "The bytes are no HTTP/1.1.", _LIBRARY),
    "chunks_too_small": Code(400, "The body comes in very many tiny chunks.", "Send it in larger ones."),
    "gzip_malformed": Code(400, "The body says that it is gzip, and is not, or is damaged.", "Pack it again."),
    "request_timeout": Code(408, "The request came too slowly.", "Send it again, all of it without a break."),
    "payload_too_large": Code(413, "The body is larger than the limit.", "Send less at a time."),
    "unsupported_content_encoding": Code(
        415, "The body is packed with something else than gzip, or twice.", "Send it as it is, or as gzip."
    ),
    "headers_too_large": Code(431, "The headers are too many or too long.", "Send fewer or shorter ones."),
    "internal_error": Code(500, "Something broke on the server's side.", "Repeat it; the log names its `request_id`."),
    "too_many_connections": Code(503, "The server has as many connections as it can.", _LATER),
    "not_ready": Code(503, "No process of the server answers yet, or the default model is not loaded.", _LATER),
    "draining": Code(503, "The server is about to end.", "Repeat the request in a few seconds, perhaps elsewhere."),
    "too_busy": Code(503, "More waits than can be done soon.", _LATER),
}
DOOR: Codes = {
    "bad_host": Code(
        400, "The `Host` header is missing, double, no name, or not one of this service.", "Ask it by its own name."
    ),
    "foreign_origin": Code(
        403, "A page of another origin asks.",
        "Ask from the service's own page or from a program; the operator may add the origin.",
    ),
    "rate_exceeded": Code(429, "This client has sent too many requests.", "Wait as long as `Retry-After` says."),
    "too_many_at_once": Code(429, "Too many requests of this client are being answered.", "Wait for one of them."),
    "too_many_bytes": Code(429, "This client has sent too many bytes.", "Wait as long as `Retry-After` says."),
}  # fmt: skip
KEY: Codes = {
    "key_missing": Code(401, "This needs a key.", "Send one as `Authorization: Bearer ds_…`."),
    "key_invalid": Code(401, "The key is unknown, was revoked or has expired.", "Send another."),
}
SCOPE: Codes = {
    "scope_missing": Code(403, "The key does not allow this.", "Use one that was made with the scope that is named."),
}
ROUTE: Codes = {
    "not_found": Code(404, "There is nothing at this address.", "See /docs for what there is."),
    "method_not_allowed": Code(405, "The address does not take this method.", "Take one that `Allow` names."),
}
ADDRESS: Codes = {
    "parameter_unknown": Code(422, "The address has a parameter that nobody knows.", "Correct or leave out its name."),
    "parameter_repeated": Code(422, "A parameter comes twice.", "Send it once."),
    "too_many_parameters": Code(422, "The address has more than 100 parameters.", "Send fewer."),
}
VALUES: Codes = {
    "validation_failed": Code(422, "A value is missing, of the wrong kind or out of range.", "`detail` says which."),
}
JSON: Codes = {
    "json_malformed": Code(400, "The body is no valid JSON.", _LIBRARY),
    "json_too_long": Code(400, "The JSON has too many values.", "Send fewer at a time."),
    **VALUES,
}
KIND: Codes = {
    "unsupported_media_type": Code(
        415, "The route does not read this `Content-Type`.", "`detail` names those it does."
    ),
}
FORM: Codes = {
    "multipart_malformed": Code(400, "The multipart body is malformed.", "Let your HTTP library build it."),
    "too_many_parts": Code(400, "The body has too many parts.", "Send fewer at a time."),
    "file_missing": Code(422, "There is no file in the request.", "Send it as the field that `detail` names."),
    "field_unknown": Code(422, "The form or the JSON has a field that nobody knows.", "Leave it out."),
    **KIND,
}
TEXTS: Codes = {
    "field_repeated": Code(422, "A field comes twice.", "Send it once."),
    "bad_string": Code(422, "A text is too long, or no text of UTF-8.", "Shorten it, or encode it so."),
}
ONE_FILE: Codes = {
    "too_many_files": Code(422, "The request has several files.", "Send one at a time."),
}
