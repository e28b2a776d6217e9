"""Draws docs/pictures/row.png, which README and guides send to /v1/read: two lines of numbers on ruled paper.

.venv/bin/python docs/row.py
"""

from pathlib import Path

import numpy as np
from PIL import Image

from training.synthetic.strokes import digit

LINES = ("4207 915", "36 1888")
SIZE, TOP, PITCH, HEIGHT = (230, 520), 40, 95, 62  # pixels


def main() -> None:
    """Writes the picture; the same in every run."""
    rng = np.random.default_rng(12)
    page = np.full(SIZE, 244.0)
    for number, line in enumerate(LINES):
        base = TOP + number * PITCH
        page[base + HEIGHT + 8 : base + HEIGHT + 10] = 205
        left = 30
        for character in line:
            if character == " ":
                left += 45
                continue
            strokes = digit(int(character), HEIGHT, rng, pen=0.09)
            height, width = strokes.shape
            top = base + HEIGHT - height
            page[top : top + height, left : left + width] -= strokes * 190
            left += width + 14
    shadow = np.linspace(1, 0.82, SIZE[1]) * np.linspace(1, 0.93, SIZE[0])[:, None]
    grey = (page.clip(20, 255) * shadow + rng.normal(0, 3, SIZE)).round().clip(0, 255)
    Image.fromarray(grey.astype(np.uint8)).save(Path(__file__).parent / "pictures" / "row.png", optimize=True)


if __name__ == "__main__":
    main()
