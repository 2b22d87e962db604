"""A call that is repeated under load, or the reason why it is skipped."""

from dataclasses import dataclass

from .checks import ExpectedResponse, detail
from .service import Response


@dataclass(frozen=True)
class Call:
    """One request and its expected response; `words` are its names in LOAD_WEIGHTS."""

    name: str
    path: str
    body: bytes
    headers: dict[str, str]
    words: frozenset[str]
    expected: ExpectedResponse


@dataclass(frozen=True)
class Skipped:
    """A call that is not made, and why."""

    name: str
    reason: str


def is_rejected(response: Response) -> bool:
    """Return whether the example is to blame, and not the service."""
    return 400 <= response.status < 500  # noqa: PLR2004 - the client's fault (RFC 9110, 15.5)


def reason(response: Response) -> str:
    """Return why a call was rejected, in the service's words."""
    return f"{response.status} {detail(response.content)}".strip()
