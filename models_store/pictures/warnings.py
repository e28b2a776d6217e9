"""Every warning that an answer about a picture can carry. A new one comes here and into docs/guides/pictures.md."""

from enum import StrEnum


class PictureWarning(StrEnum):
    """What an answer should be read with."""

    BLANK_IMAGE = "blank_image"  # nothing stands out from the ground
    LOW_CONTRAST = "low_contrast"  # ink and ground differ little
    SEVERAL_MARKS = "several_marks"  # another mark is as large and as plain
    TOO_MANY_MARKS = "too_many_marks"  # more than a page may have; the rest is not read
    NOT_A_DIGIT = (
        "not_a_digit"  # no two labels are likely together: the picture, or half of a page, is out of distribution
    )
    NOTHING_FOUND = "nothing_found"  # a page has marks, and all of them are print, edges or dirt
