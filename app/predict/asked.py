"""What the address of a request asks for beside the picture."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from app.web.direct import Direct, Sent, Take, query_of
from models_store.refs import Ref

MOST_TOP_K = 1000
_LONGEST = 1000  # bytes of a query that is remembered: four parameters have fewer
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Asked:
    """Which version shall read, and what its answer shall have; `top_k` of None means every label."""

    ref: Ref
    top_k: int | None = None
    prepared: bool = False
    explain: bool = False


def asked_by(default_model: str, *, explains: bool) -> Callable[[bytes], Asked | None]:
    """Reads queries on the direct way; `explains` tells whether the address knows `explain`.

    What it returns says None of one that it doesn't know, and raises BadRef.
    """
    known = {"model", "top_k", "prepared", "explain"} if explains else {"model", "top_k", "prepared"}

    @lru_cache(maxsize=256)
    def asked(query: bytes) -> Asked | None:
        found = query_of(query)
        if found is None or not known.issuperset(found):
            return None
        top_k = found.get("top_k", "")
        prepared, explain = (_BOOLEANS.get(found.get(name, "false")) for name in ("prepared", "explain"))
        if prepared is None or explain is None or (top_k and not _is_count(top_k)):
            return None
        ref = Ref.parse(found.get("model", default_model))
        return Asked(ref, int(top_k) if top_k else None, prepared, explain)

    return lambda query: asked(query) if len(query) <= _LONGEST else None


def direct_way(
    default_model: str, answer: Callable[[Asked, Sent], Awaitable[bytes | None]], *, explains: bool = False
) -> Direct:
    """The direct way of an address: `answer` is given what is asked for, once that is known, and what was sent."""
    asked_in = asked_by(default_model, explains=explains)

    def taken(query: bytes) -> Take | None:
        asked = asked_in(query)
        return partial(answer, asked) if asked is not None else None

    return taken


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MOST_TOP_K
