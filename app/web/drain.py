"""Ends a process without resetting a client: while it drains it is not ready, and each answer closes its connection."""


class Drain:
    """Whether this process is about to end."""

    def __init__(self) -> None:
        self.begun = False

    def begin(self) -> None:
        """From now on answers carry `Connection: close`, so that clients come back to another process."""
        self.begun = True
