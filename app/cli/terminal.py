"""The terminal: how wide it is, and which text may reach it."""

from rich.console import Console
from rich.text import Text

WIDTH = 80


def console() -> Console:
    """Standard output, 80 columns wide where it is wider or none at all."""
    out = Console()
    return out if out.is_terminal and out.width <= WIDTH else Console(width=WIDTH)


def shown(text: object, style: str = "") -> Text:
    """Text of a server or of a file: nothing in it is markup, and no character of it moves the cursor."""
    kept = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in str(text))
    return Text(kept, style=style)


def print_plainly(text: object) -> None:
    """One line, however long: whoever reads it by program wants it whole."""
    console().print(shown(text), soft_wrap=True)
