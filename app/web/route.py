"""A route that takes the parameters it names, each once: a typo is refused, not passed over."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from app.errors import Unprocessable
from models_store.text import listed, quoted

_MOST = 100  # parameters in one address
ANY_KEY = "[]"  # ends the alias of a parameter that is sent as name[key]


class StrictRoute(APIRoute):
    """For `APIRouter(route_class=…)`. Where there is no query it costs nothing."""

    @property
    def parameters(self) -> list[str]:
        """The names that it takes in its address."""
        return [str(parameter.alias) for parameter in self.dependant.query_params]

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's, behind the check. Raises Unprocessable (`parameter_unknown`, `parameter_repeated`)."""
        handle = super().get_route_handler()
        known = self.parameters

        async def checked(request: Request) -> Response:
            if request.scope["query_string"]:
                _check_count(request.scope["query_string"])
                _check([name for name, _ in request.query_params.multi_items()], known)
            return await handle(request)

        return checked


def address_takes(request: Request, names: Iterable[str]) -> str:
    """What to add to the refusal of fields or keys: which of the `names` the request's route takes in its address."""
    route = request.scope.get("route")
    known = route.parameters if isinstance(route, StrictRoute) else []
    taken = [name for name in names if name in known]
    return f" The address takes {listed(taken)}, as ?{taken[0]}=VALUE." if taken else ""


def _check_count(query: bytes) -> None:
    if query.count(b"&") >= _MOST:
        raise Unprocessable("too_many_parameters", f"The address has more than {_MOST} parameters. Send fewer.")


def _check(names: Iterable[str], known: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name not in known and name.partition("[")[0] + ANY_KEY not in known:
            raise Unprocessable("parameter_unknown", f"There is no parameter {quoted(name)} here. {_taken(known)}.")
        if name in seen:
            raise Unprocessable("parameter_repeated", f"The parameter {quoted(name)} comes twice. Send it once.")
        seen.add(name)


def _taken(known: list[str]) -> str:
    names = ", ".join(name.replace(ANY_KEY, "[key]") for name in known)
    return f"This address takes {names or 'none'}"
