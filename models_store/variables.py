"""Environment variables as people and platforms write them: what a text means, and how it is shown. `app.settings` and
`training.__main__` read them; nothing here does.
"""

import contextlib
import re
from pathlib import Path

from models_store.text import shown

PREFIX = "DIGITSERVE_"
STORE = Path(__file__).parent / "artifacts"  # where versions lie unless one says otherwise
DATA = Path("data")
_LONGEST = 80  # characters of a value that is shown
_SECRETS = (  # of a database's URL: what stands before its host, and passwords elsewhere in it
    (re.compile(r"^(?=.*:.*@)([A-Za-z][\w+.-]*://)?.*@", re.DOTALL), r"\1…@"),
    (re.compile(r"((?:password|pwd|secret|token)\w*\s*=\s*)('[^']*'|[^&\s]*)", re.IGNORECASE), r"\1…"),
)
# For a Service X, Kubernetes sets X_SERVICE_HOST, X_SERVICE_PORT, X_SERVICE_PORT_HTTP, X_PORT and X_PORT_8000_TCP_ADDR;
# for a link Docker sets the latter, X_NAME and X_ENV_…
_OF_A_PLATFORM = re.compile(
    r"(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?|NAME|ENV_\w+)", re.ASCII
)
_ADDRESS = re.compile(r"(tcp|udp|sctp)://", re.IGNORECASE)


def meant(text: str) -> str:
    """The text without the blanks and the pair of quotes around it: lists of Compose and env files leave both. What is
    empty then is as good as unset."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return text


def folder(text: str) -> Path | None:
    """The folder of that name, None for none. It is made absolute: the working folder is asked once, at the start."""
    inner = meant(text)
    if not inner:
        return None
    unquoted = text.lstrip().rstrip("\r\n")  # a folder's name may end in a blank
    return absolute(Path(unquoted if inner == text.strip() else inner))


def absolute(path: Path) -> Path:
    """The same place, whatever the working folder is later; `~` is the home of whoever runs this."""
    with contextlib.suppress(RuntimeError):  # nobody knows the home of `~name`
        path = path.expanduser()
    return path.absolute()


def is_address(text: str) -> bool:
    """Whether a platform means by it where a service of that name is: DIGITSERVE_PORT=tcp://10.96.0.17:8000."""
    return _ADDRESS.match(text) is not None


def is_of_a_platform(name: str, text: str) -> bool:
    """Whether a platform sets such a variable, whose name begins with PREFIX, for a service or a link."""
    return is_address(text) or _OF_A_PLATFORM.fullmatch(name.upper().removeprefix(PREFIX)) is not None


def without_secrets(value: object) -> str:
    """A refused value as a sentence may show it: clipped, and without any password."""
    text = str(value)
    for secret, instead in _SECRETS:
        text = secret.sub(instead, text)
    return f"'{shown(text, longest=_LONGEST)}'"
