"""What a child does with one frame: pictures are decoded and looked at, data sets are read row by row."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from app.decoding import spelling
from app.decoding.wire import Frame
from app.errors import AppError, PayloadTooLarge
from models_store import records
from models_store.datasets import clean, formats
from models_store.datasets.rows import Item, Refused, Row
from models_store.errors import DataSetRejected, ImageRejected
from models_store.machine import give_back_memory
from models_store.pictures.contained import contained, is_of_the_machine
from models_store.pictures.decode import open_picture
from models_store.pictures.formats.headers import size_of
from models_store.pictures.many import page
from models_store.pictures.prepare import Prepared, prepare
from models_store.pictures.stripped import strip
from models_store.specs import InputSpec

MAX_ROWS = 10_000
_LARGE = 2_000_000  # pixels, of a picture whose memory is given back at once: below that it takes a seventh of the CPU
# what may be wrong, as the only key of an answer's header
MEMORY, REFUSED, UNUSABLE, OVER, BROKE = "memory", "refused", "unusable", "over", "broke"

Talk = Callable[[Frame], Frame]  # asks the parent something and waits for its answer


def done(frame: Frame, arm: Callable[[float], None], ask: Talk) -> Frame:
    """The answer to a frame. `arm` starts a CPU budget anew; whoever exceeds it is killed."""
    arm(float(frame.header.get("row_seconds", frame.header["cpu_seconds"])))
    try:
        return _WORKS[frame.header["work"]](frame, arm, ask)
    except ImageRejected as refusal:
        return Frame({REFUSED: [refusal.code, str(refusal)]})
    except DataSetRejected as refusal:
        return Frame({UNUSABLE: [refusal.code, str(refusal)]})
    except AppError as refusal:
        return Frame({OVER: [refusal.code, str(refusal)]})
    except Exception as error:
        if not is_of_the_machine(error):
            raise
        return Frame({MEMORY: True})
    finally:
        if len(frame.data) and _pixels(bytes(frame.data)) > _LARGE:
            give_back_memory()


def _pixels(data: bytes) -> int:
    width, height = size_of(data) or (0, 0)
    return width * height


def _read(frame: Frame, _: Callable[[float], None], __: Talk) -> Frame:
    spec = spelling.spec_of(frame.header["spec"])
    return spelling.of_prepared(prepare(bytes(frame.data), spec, frame.header["max_pixels"]))


def _page(frame: Frame, _: Callable[[float], None], __: Talk) -> Frame:
    data = bytes(frame.data)
    with contained(data):
        opened = open_picture(data, frame.header["max_pixels"])
        return spelling.of_page(page.page_of(opened, spelling.spec_of(frame.header["spec"])))


def _keep(frame: Frame, _: Callable[[float], None], __: Talk) -> Frame:
    stripped, spec = strip(bytes(frame.data), frame.header["max_pixels"]), frame.header["spec"]
    return spelling.of_stripped(stripped, spec is not None and prepare(stripped.png, spelling.spec_of(spec)).is_blank)


def _data_set(frame: Frame, arm: Callable[[float], None], ask: Talk) -> Frame:
    said = frame.header
    budget = _Budget(said["pixels"], said["all_cpu_seconds"])

    def looked_at(data: bytes, spec: InputSpec, max_pixels: int) -> Prepared:
        pixels = _pixels(data)
        budget.spend(pixels)
        arm(said["row_seconds"])
        if pixels <= said["own_pixels"] and len(data) <= said["own_bytes"]:
            return prepare(data, spec, max_pixels)
        answer = ask(Frame({"picture": True}, data))
        if REFUSED in answer.header:
            raise ImageRejected(*answer.header[REFUSED])
        return spelling.prepared_of(answer, spec)

    rows = _at_most(MAX_ROWS, formats.read(Path(said["path"])))
    report = clean.count(rows, spelling.spec_of(said["spec"]), prepared_by=looked_at)
    return Frame({"report": records.plain(report)})


def _at_most(limit: int, items: Iterator[Item]) -> Iterator[Item]:
    rows = 0
    for item in items:
        rows += isinstance(item, Row | Refused)
        if rows > limit:
            raise PayloadTooLarge("too_many_rows", f"The data set has more than {limit:,} rows. Split it.", "file")
        yield item


class _Budget:
    def __init__(self, pixels: int, cpu_seconds: float) -> None:
        self._pixels = self._left = pixels
        self._until = time.process_time() + cpu_seconds

    def spend(self, pixels: int) -> None:
        self._left -= pixels
        if self._left < 0:
            raise PayloadTooLarge(
                "data_set_too_large",
                f"The pictures have more than {self._pixels / 1e6:,.0f} million pixels together. Make them smaller, or "
                "split the data set.",
                "file",
            )
        if time.process_time() > self._until:
            raise PayloadTooLarge("data_set_too_large", "The data set takes too long to read. Split it.", "file")


_WORKS: dict[str, Callable[[Frame, Callable[[float], None], Talk], Frame]] = {
    "read": _read,
    "page": _page,
    "keep": _keep,
    "data_set": _data_set,
}
