"""What is said of a picture, and of who has no time to read it."""

from app.web.openapi.codes.code import Code, Codes

_LATER = "Repeat the request in a few seconds."
_ANEW = "Save it anew, for example as PNG, and resend it."

PICTURE: Codes = {
    "image_invalid": Code(422, "The bytes are no picture, or a damaged one.", _ANEW),
    "image_truncated": Code(422, "The picture ends too early.", "Send the whole file."),
    "image_bad_dimensions": Code(422, "A side has too few or too many pixels.", "Send it in another size."),
    "image_too_complex": Code(422, "The picture takes too long to read.", "Send it smaller, or saved anew as PNG."),
    "picture_unreadable": Code(422, "Nobody foresaw what is wrong with the picture.", _ANEW),
    "image_too_large": Code(413, "The picture has too many pixels.", "Send it smaller."),
    "unsupported_image_format": Code(
        415, "The format is not read.", "Send PNG, JPEG, WEBP, BMP, GIF or TIFF; `detail` says what came."
    ),
}
QUEUE: Codes = {
    "too_busy": Code(429, "More waits than can be done soon.", _LATER),
    "too_late": Code(503, "What was sent waited too long for its turn.", _LATER),
    "decoder_missing": Code(503, "No process can be had that decodes pictures.", _LATER),
}
MANY: Codes = {
    "batch_too_large": Code(422, "These are too many pictures, or too many pixels together.", "Send fewer at a time."),
    "instances_missing": Code(
        422, 'The JSON is not `{"instances": [{"b64": "…"}]}`.', "Send it in this form, a picture an instance."
    ),
}
WRITING: Codes = {
    "model_finds_no_writing": Code(
        422, "The version looks at whole pictures and finds no digits on a page.", "Ask a version that does."
    ),
}
ENCODED: Codes = {  # also the reason of a row of a data set
    "base64_invalid": Code(0, "The text is no base64.", "Encode the picture's bytes."),
}
