"""What an operation says of the problems that it can answer with: by their codes, which the one list explains."""

from typing import Any

from app.web.openapi.codes import Code, Codes, known
from app.web.problems import phrase

CODES = "x-codes"  # where `document` finds them; it makes answers of them
Responses = dict[int | str, dict[str, Any]]


def raises(*what: Codes | str) -> Responses:
    """For `responses=` of a route: groups of codes, and single ones, beside those that every request can get.

    A code by its name has the one status that the list knows. Raises KeyError for a code that the list does not have.
    """
    found: dict[int, dict[str, Code]] = {}
    for one in what:
        for name, code in ({one: _only(one)} if isinstance(one, str) else one).items():
            if code.status:
                found.setdefault(code.status, {})[name] = code
    return {status: {"description": phrase(status), CODES: sorted(codes)} for status, codes in sorted(found.items())}


def _only(name: str) -> Code:
    answered = [code for code in known()[name] if code.status]
    assert len(answered) == 1, f"{name} has several statuses: name its group"
    return answered[0]
