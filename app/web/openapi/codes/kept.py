"""What is said of what lasts: the database, disks, versions, data sets, corrections, pictures that wait."""

from app.web.openapi.codes.code import Code, Codes

_LATER = "Repeat the request in a few seconds."
_OPERATOR = "Ask the operator to run `digitserve doctor`."

FILES_OPEN: Codes = {
    "too_many_open_files": Code(503, "Too many files and connections are open on this server.", _LATER),
}
DATABASE: Codes = {
    "database_unavailable": Code(503, "The database does not answer, or is too slow.", _LATER),
    "database_unusable": Code(503, "Somebody has to mend the database first.", _OPERATOR),
    "database_too_new": Code(503, "A newer release made the database.", "The operator has to start that release."),
    "state_unusable": Code(503, "The state folder can't be used as it is.", _OPERATOR),
    "state_read_only": Code(503, "The server may not write into its state folder.", _OPERATOR),
    **FILES_OPEN,
}
FULL: Codes = {
    "storage_full": Code(507, "A disk is full.", "Delete what is no longer needed; deleting works on a full disk."),
}
WRITING: Codes = {**DATABASE, **FULL}
NAME: Codes = {
    "bad_model_name": Code(422, "The text names no model, version or alias.", "Write name, name@alias or name@7."),
}
VERSION: Codes = {
    **NAME,
    "model_not_found": Code(404, "No such model, version or alias is in the store.", "See the list of models."),
    "version_corrupt": Code(
        503, "A file of the version, or the list of aliases, is not what was published.",
        "The operator restores it from a backup, or deletes the version.",
    ),
    "version_unusable": Code(503, "This release can't serve the version.", "Name another one."),
    **FILES_OPEN,
}  # fmt: skip
LOADING: Codes = {
    "loading": Code(503, "The version is being loaded.", "Repeat the request when `Retry-After` is over."),
}
STORE: Codes = {
    "store_read_only": Code(503, "The store may only be read here.", _OPERATOR),
    **FULL,
    **FILES_OPEN,
}
ALIASES: Codes = {
    "alias_moved": Code(409, "The alias is not where the request says.", "Look again and repeat with its place."),
    "alias_fixed": Code(409, "The alias can't be taken away.", "Promote another version, or roll back."),
    "too_many_aliases": Code(409, "The model has as many aliases as it may have.", "Take one away."),
    "version_in_use": Code(409, "An alias points at the version, or a job needs it.", "Move the alias; end the job."),
    "version_rejected": Code(409, "The gate rejected the version, so that no alias points at it.", "Name another."),
}
AUDIT: Codes = {
    "audit_entry_not_found": Code(404, "The audit log has no entry of the id in `after`.", "Begin without it."),
}
FILE: Codes = {
    "file_not_found": Code(404, "There is no such data set.", "See the list of files."),
}
UPLOAD: Codes = {
    "purpose_unknown": Code(422, "Files have another purpose here.", "Send `fine-tune`."),
    "expiry_unsupported": Code(422, "Files stay until they are deleted.", "Leave out `expires_after`."),
    "too_many_uploads": Code(429, "Too many data sets arrive at once.", "Repeat it when another one is there."),
    "files_full": Code(507, "Data sets take as much room as they may.", "Delete some."),
}
NEEDED: Codes = {
    "file_in_use": Code(409, "A job that has not ended needs the data set.", "Cancel it, or wait for its end."),
}
LABEL: Codes = {
    "label_unknown": Code(422, "The version has no such label.", "Take one of those that `detail` names."),
}
CORRECTION: Codes = {
    "feedback_not_found": Code(404, "There is no such correction.", "See the list of corrections."),
}
CORRECTIONS: Codes = {
    "label_missing": Code(422, "There is no label.", "Send what the picture really shows as `label`."),
    "label_invalid": Code(422, "The label is too long or has invisible characters.", "Send it as it is written."),
    "image_blank": Code(422, "Nothing is written on the picture.", "Send another."),
    "feedback_full": Code(507, "Corrections take as much room as they may.", "Delete some."),
    "filter_missing": Code(422, "The request does not say which corrections are meant.", "Name one of them."),
}
WAITING: Codes = {
    "picture_not_found": Code(404, "No picture of this id waits.", "See the list for those that do."),
}
SHADOW: Codes = {
    "shadow_not_found": Code(404, "No version reads beside the champion.", "Start a challenger first."),
}
COMPARED: Codes = {
    "not_asked": Code(409, "It is not this picture's turn.", "Label one of those that the report shows."),
    "labelled_already": Code(409, "The picture has a label, which counts.", "See the report for the next ones."),
    "shadow_over": Code(409, "The comparison is over.", "See how it ended."),
}
