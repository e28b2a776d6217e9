"""Refusal: how a command ends that could not do what it was told."""


class Refusal(Exception):
    """One sentence that says what to do next. `exit_code` is 2 where the command itself was wrong, otherwise 1.

    `code` is the server's stable name of the reason, where it is the server that refused.
    """

    def __init__(self, sentence: str, exit_code: int = 1, code: str = "") -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
        self.code = code
