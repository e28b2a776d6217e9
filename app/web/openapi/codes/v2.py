"""What is said below /v2 only: of tensors, and of what they ask for."""

from app.web.openapi.codes import door, kept
from app.web.openapi.codes.code import Code, Codes

NAME: Codes = {
    **kept.VERSION,
    "bad_model_name": Code(
        400, "The address names no model, version or alias.", "Write name, name@alias or name@7, or name and version."
    ),
}
TENSORS: Codes = {
    "infer_request_invalid": Code(
        400, "The JSON, or the length of it in the header, is not as the protocol has it.", "`detail` says what is not."
    ),
    "input_unknown": Code(400, "Not one input came, or one of another name.", "Send `image` or `picture`."),
    "output_unknown": Code(
        400, "An output is asked for that there is not, twice, or as what it is not.", "`detail` names those there are."
    ),
    "tensor_datatype_wrong": Code(400, "The input is of another datatype.", "`detail` names those that are taken."),
    "tensor_shape_wrong": Code(400, "The shape is not one that the version takes.", "`detail` says which it takes."),
    "tensor_data_wrong": Code(
        400, "The values are more or fewer than the shape says, or of another kind.", "Send as many as it says."
    ),
    "number_not_finite": Code(400, "Values are NaN or infinite.", "Send numbers."),
    "value_out_of_range": Code(400, "Values are outside of 0 to 1, or of 0 to 255.", "Don't normalise them."),
    "batch_too_large": Code(400, "These are too many pictures, or pixels together.", "Send fewer at a time."),
    "picture_refused": Code(400, "One picture of several can't be read.", "`detail` says which one, and why."),
    "deflate_malformed": Code(400, "The body says that it is deflate, and is not, or is damaged.", "Pack it again."),
    "json_malformed": door.JSON["json_malformed"],
    "json_too_long": door.JSON["json_too_long"],
    "extension_missing": Code(400, "Tensors in shared memory are not read.", "Send them in the body."),
}
INDEX: Codes = {**door.JSON, "infer_request_invalid": TENSORS["infer_request_invalid"]}
EXTENSIONS: Codes = {
    "extension_missing": Code(404, "This extension of the protocol is not here.", "`GET /v2` lists those that are."),
}
