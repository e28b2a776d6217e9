"""Whether bytes are a picture, a film or a page in a format that is not read, told by how each family begins."""

import re

_MAGIC = (
    *(b"\x8aMNG", b"\x8bJNG", b"FLIF", b"qoif", b"BPG\xfb", b"farbfeld", b"BLP1", b"BLP2"),
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II\xbc\x01"),  # cameras' own that begin as TIFF; BigTIFF; JPEG XR
    *(b"\x1a\x45\xdf\xa3", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILM", b"FOVb", b"\0MRM"),  # films; cameras
    *(b"\xff\x0a", b"\xff\x4f\xff\x51"),  # bare codestreams of JPEG XL and JPEG 2000
    *(b"8BPS", b"gimp xcf", b"SIMPLE", b"CDF\1", b"\x89HDF", b"SDPX", b"XPDS", b"\x76\x2f\x31\x01", b"#?RADIANCE"),
    *(b"\0\0\1\0", b"\0\0\2\0", b"icns", b"DDS ", b"\xabKTX", b"AT&TFORM", b"\x59\xa6\x6a\x95", b"DanM", b"LinS"),
    *(b"%PDF", b"%!PS", b"\xc5\xd0\xd3\xc6", b"\xd7\xcd\xc6\x9a", b"#define ", b"/* XPM", b"#?RGBE"),
)  # fmt: skip
_FAMILIES = re.compile(
    b"|".join(
        (
            # A file of boxes (ISO/IEC 14496-12, 15444-1, 18181-2): size, four letters, content. HEIF, AVIF and films
            # say `ftyp` and their brand, whichever it is; JPEG 2000 and JPEG XL begin with a box of 12 bytes.
            rb".{4}[fs]typ[ -~]{4}",
            rb".{4}(?:moov|mdat|wide|skip|free|pnot)",
            rb"\0\0\0\x0c[ -~]{4}\r\n\x87\n",
            rb"(?:RIFF|RIFX|FORM).{4}(?!WEBP)[ -~]{4}",
            rb"P[1-7fF]\s",  # PNM
            rb"\n[\0\x02-\x05][\0\x01][\x01\x02\x04\x08]",  # PCX
            rb"\x01\xda[\0\x01][\x01\x02]\0[\x01-\x03]",  # SGI
            rb"\x01\0\0\0.{36} EMF",
            rb".{128}DICM",
            rb"\x28\0\0\0.{8}\x01\0[\x01\x04\x08\x10\x18\x20]\0",  # a BMP without its first header
            rb"(?:\xef\xbb\xbf)?\s*(?i:<svg|<\?xml|<!doctype|<html|<!--)",
            rb"\xff\xfe<\0|\xfe\xff\0<",  # the same in UTF-16
        )
    ),
    re.DOTALL,
)
_HEAD = 512  # bytes, that blanks before markup may fill
_TGA_ENDS = b"TRUEVISION-XFILE.\0"


def is_of_another_format(data: bytes) -> bool:
    """Whether bytes that are in no format that is read are in another one, and no garbage.

    The signatures have three bytes at least, but for JPEG XL's own two.
    """
    return data.startswith(_MAGIC) or _FAMILIES.match(data[:_HEAD]) is not None or data.endswith(_TGA_ENDS)
