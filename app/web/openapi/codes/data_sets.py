"""What is said of data sets: of a whole one, and of its rows."""

from app.web.openapi.codes.code import Code, Codes

_ANEW = "Make it anew and resend it."
_ROW = "Correct the row, or take it out."

ARCHIVE: Codes = {
    "archive_invalid": Code(422, "The zip is damaged, encrypted, or holds links or archives.", _ANEW),
    "archive_bad_name": Code(422, "A name in the zip is absolute, leads out of it, or comes twice.", "Rename it."),
    "archive_too_large": Code(413, "The zip unpacks to too many bytes.", "Split it."),
    "archive_too_many_entries": Code(413, "The zip has too many entries.", "Split it."),
}
DATA_SET: Codes = {
    "data_empty": Code(422, "There is no picture in it.", "Send one that holds labelled pictures."),
    "data_unknown_type": Code(422, "This kind of file is not read.", "Send a zip, JSONL or CSV."),
    "data_unreadable": Code(422, "The data set can't be read.", _ANEW),
    "data_set_too_complex": Code(422, "A row, or all of it, takes too long or too much memory to read.", "Split it."),
    "layout_unclear": Code(422, "Which folder or table means what can't be told.", "`detail` says how to arrange it."),
    "labels_missing": Code(422, "No picture has a label, or no column holds labels.", "Name them as `detail` says."),
    "columns_missing": Code(422, "A table lacks a column.", "Add the one that `detail` names."),
    "pixels_wrong_count": Code(422, "The columns of a table are no square picture.", "Correct the table."),
    "split_unknown": Code(
        422, "What says to which part rows belong can't be read.", "Write train, validation or test."
    ),
    "not_utf8": Code(422, "The text is not in UTF-8.", "Save it in UTF-8."),
    "row_malformed": Code(422, "The first line can't be read.", "Let a library write the file."),
    "row_too_long": Code(422, "The first line is too long.", "Make the lines shorter."),
    "too_many_rows": Code(413, "The data set has too many rows.", "Split it."),
    "data_set_too_large": Code(413, "The pictures have too many pixels together.", "Make them smaller, or split it."),
    "data_set_unread": Code(503, "The reader of data sets broke.", "Tell the operator: the log says why."),
}
ROWS: Codes = {
    "file_missing": Code(0, "The row names no file, or one that is not there.", "Put it there or take the row out."),
    "file_too_large": Code(0, "A picture's file is too large.", "Save it smaller."),
    "file_unreadable": Code(0, "The file can't be read.", "Check its permissions."),
    "label_invalid": Code(0, "The label is too long, no text, or has invisible characters.", _ROW),
    "label_missing": Code(0, "There is no label.", "Give the row one."),
    "path_outside": Code(0, "The path leads out of the data set's folder.", "Name files inside of it."),
    "pixel_invalid": Code(0, "A pixel is no number, or out of the table's scale.", _ROW),
    "row_malformed": Code(0, "The line is no valid CSV or JSON.", _ROW),
    "row_too_long": Code(0, "The line is too long.", _ROW),
    "split_unknown": Code(0, "The word for the part is none.", "Write train, validation or test."),
    "not_utf8": Code(0, "The line is not in UTF-8.", "Save the file in UTF-8."),
    "pixels_wrong_count": Code(0, "The line has another number of columns than the table.", _ROW),
    "archive_invalid": Code(0, "The picture's file is an archive itself.", "Unpack it first."),
}
