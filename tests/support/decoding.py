"""One decoder for all tests of a process, because its children take a quarter of a second to start."""

import atexit

from app.decoding.decoder import Decoder

DECODER = Decoder()  # its children start when they are needed
atexit.register(DECODER.close)
