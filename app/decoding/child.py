"""`python -m app.decoding.child`: one process that decodes strangers' pictures, one at a time, and knows nothing else.

It may be killed at any moment: by the kernel when a picture takes more CPU than it may, by its parent, or by a codec
that breaks. It opens no file but the data set that it is told to read, and ends when its parent does.
"""

import argparse
import contextlib
import logging
import os
import resource
import signal
import socket

import cv2

from app.decoding import work
from app.decoding.wire import PREFIX_BYTES, Frame, frame, lengths, packed
from models_store.machine import end_with_parent

_FIRST_TO_GO = 900  # oom_score_adj: when memory is short, the kernel ends a child and not the service
_MAX_LOG = 8192  # characters of what is told of one picture


class _Told(logging.Handler):
    """Keeps what is logged, for the parent to log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[list[str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self.lines.append([record.getMessage()[:_MAX_LOG], trace[-_MAX_LOG:]])


def serve(parent: socket.socket) -> None:
    """Answers frames until the parent closes its end."""
    told = _Told()
    logging.basicConfig(handlers=[told], force=True)

    def ask(question: Frame) -> Frame:
        _arm(0)
        _send(parent, question)
        answer = _receive(parent)
        if answer is None:
            raise SystemExit
        return answer

    _send(parent, Frame({"ready": True}))
    while (asked := _receive(parent)) is not None:
        try:
            answer = work.done(asked, _arm, ask)
        except Exception:  # ours to mend: the log says where, and the picture is refused
            logging.exception("unforeseen in a decoding child")
            answer = Frame({work.BROKE: True})
        _arm(0)
        _send(parent, Frame({**answer.header, "log": told.lines}, answer.data))
        told.lines.clear()


def _arm(seconds: float) -> None:
    """The kernel ends this process when it has used so much CPU from now on, in all of its threads; 0: never."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _send(parent: socket.socket, message: Frame) -> None:
    parent.sendall(packed(message))
    parent.sendall(message.data)


def _receive(parent: socket.socket) -> Frame | None:
    prefix = _exactly(parent, PREFIX_BYTES)
    if len(prefix) < PREFIX_BYTES:
        return None
    header, data = lengths(bytes(prefix))
    return frame(bytes(_exactly(parent, header)), _exactly(parent, data))


def _exactly(parent: socket.socket, count: int) -> bytearray:
    """So many bytes, or fewer where the other end is closed."""
    whole = bytearray(count)
    view, got = memoryview(whole), 0
    while got < count:
        more = parent.recv_into(view[got:])
        if not more:
            return bytearray(view[:got])
        got += more
    return whole


def _confine(memory_bytes: int) -> None:
    """Limits that the kernel keeps, whatever a picture makes of this process; macOS keeps none of the memory."""
    for what, most in (
        (resource.RLIMIT_DATA, memory_bytes), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        _, allowed = resource.getrlimit(what)
        most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)  # the operator may allow less
        with contextlib.suppress(OSError, ValueError):  # Linux lets anybody take less
            resource.setrlimit(what, (most, most))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGTERM):  # told to all of a terminal or a container; the parent handles it
        signal.signal(number, signal.SIG_IGN)
    cv2.setNumThreads(1)


def main() -> None:
    """What `app.decoding.process` starts. The socket to the parent is file descriptor 0."""
    parser = argparse.ArgumentParser()
    for name in ("--parent", "--memory"):
        parser.add_argument(name, type=int, required=True)
    typed = parser.parse_args()
    end_with_parent(typed.parent)
    _confine(typed.memory)
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write(str(_FIRST_TO_GO))
    except OSError:  # not on Linux, or it may not be told
        pass
    with socket.socket(fileno=os.dup(0)) as parent:
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):  # codecs print what strangers' files say
            os.dup2(silence, descriptor)
        try:
            serve(parent)
        except (BrokenPipeError, ConnectionResetError):  # the parent has ended
            return


if __name__ == "__main__":
    main()
