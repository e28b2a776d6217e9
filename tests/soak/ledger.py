"""What somebody was told of things, held against what is there in the end."""

from collections.abc import Callable, Iterable, Iterator

GONE = None  # what a thing is that is not there


class Ledger:
    """Of each name, what it may be: one value where the last change was acknowledged, more where an answer was lost.

    One person at a time changes a name.
    """

    def __init__(self) -> None:
        self._may_be: dict[str, set[str | None]] = {}

    def asked(self, name: str, value: str | None) -> None:
        """A change was asked for: from now on it may be so."""
        self._may_be.setdefault(name, {GONE}).add(value)

    def told(self, name: str, value: str | None) -> None:
        """It was acknowledged: so it is."""
        self._may_be[name] = {value}

    def refused(self, name: str, value: str | None) -> None:
        """It was refused, and never done; what it may be by an earlier request stays."""
        may_be = self._may_be.get(name, set())
        if len(may_be) > 1:
            may_be.discard(value)

    def certain(self) -> list[str]:
        """The names of which one value is known, and which are there."""
        return [name for name, may_be in self._may_be.items() if len(may_be) == 1 and GONE not in may_be]

    def value(self, name: str) -> str | None:
        """What it certainly is. Raises ValueError where nobody can say."""
        (value,) = self._may_be[name]
        return value

    def broken(self, what: str, found: Callable[[str], str | None]) -> Iterator[str]:
        """A line for each name that `found` says is otherwise."""
        for name, may_be in self._may_be.items():
            is_now = found(name)
            if is_now not in may_be:
                wanted = " or ".join(sorted(str(value or "gone") for value in may_be))
                yield f"{what} {name} was acknowledged as {wanted}, and is {is_now or 'gone'}"

    def __len__(self) -> int:
        return len(self._may_be)


def gaps(numbers: Iterable[int]) -> Iterator[str]:
    """A line where numbers do not count from one without a gap: what a stream of events must do, however often it was
    cut."""
    for place, number in enumerate(numbers, 1):
        if number != place:
            yield f"event {number} came in place of {place}"
            return
