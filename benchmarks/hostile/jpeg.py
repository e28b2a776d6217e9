"""A progressive JPEG of many scans, written byte by byte: each scan looks at every block, and says nothing of it.

ITU-T T.81: B.2 markers, G.1.2 progressive coding. A scan that refines coefficients which are all zero is a few runs of
"end of band" (EOBn, up to 32,767 blocks each), so that all coefficients of 16 megapixels are gone through once more for
some 30 bytes. Neither Pillow nor libjpeg limits how often: for a scan that was there before, libjpeg only warns.
"""

import struct
from collections.abc import Sequence

_LONGEST_RUN = 32_767


def of_scans(width: int, height: int, scans: int) -> bytes:
    """A picture of one grey: a scan of the DC coefficients, one of the AC, and refinements of these."""
    blocks = -(-width // 8) * -(-height // 8)
    runs = _runs(blocks)
    kinds = sorted({run.bit_length() - 1 for run in runs})
    said = _packed("".join(_run(run, kinds) for run in runs))
    parts = [
        b"\xff\xd8",
        _segment(0xDB, bytes([0]) + bytes([1] * 64)),
        _segment(0xC2, struct.pack(">BHHB3B", 8, height, width, 1, 1, 0x11, 0)),
        _segment(0xC4, _huffman(0x00, [0])),  # DC: one code, "no difference"
        _segment(0xC4, _huffman(0x10, [kind << 4 for kind in kinds])),
        _scan(0, 0, 0, 0),
        _packed("0" * blocks),
    ]
    for number in range(scans - 1):
        parts += [_scan(1, 63, min(number, 1), int(number == 0)), said]
    return b"".join([*parts, b"\xff\xd9"])


def _runs(blocks: int) -> Sequence[int]:
    """So many blocks in runs of nearly one length."""
    count = -(-blocks // _LONGEST_RUN)
    return [(blocks + k) // count for k in range(count)]


def _run(blocks: int, kinds: Sequence[int]) -> str:
    """EOBn as bits: its code of two bits, and n bits that say how many blocks beyond 2^n."""
    kind = blocks.bit_length() - 1
    return f"{kinds.index(kind):02b}" + (f"{blocks - (1 << kind):0{kind}b}" if kind else "")


def _huffman(place: int, symbols: Sequence[int]) -> bytes:
    """A table of codes of two bits; one code of one bit where there is one symbol for the DC."""
    lengths = [0] * 16
    lengths[0 if place < 0x10 else 1] = len(symbols)
    return bytes([place, *lengths, *symbols])


def _scan(first: int, last: int, high: int, low: int) -> bytes:
    return _segment(0xDA, bytes([1, 1, 0x00, first, last, high << 4 | low]))


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def _packed(bits: str) -> bytes:
    """Filled up with ones, and a zero byte behind every 0xFF."""
    filled = bits + "1" * (-len(bits) % 8)
    return int(filled, 2).to_bytes(len(filled) // 8, "big").replace(b"\xff", b"\xff\x00")
