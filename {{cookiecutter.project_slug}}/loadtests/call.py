"""A call that is made over and over, or the reason why it is not."""

from dataclasses import dataclass

from .checks import Answer, detail
from .service import Reply


@dataclass(frozen=True)
class Call:
    """One request and its right answer; `words` are what LOAD_WEIGHTS may call it."""

    name: str
    path: str
    body: bytes
    headers: dict[str, str]
    words: frozenset[str]
    answer: Answer


@dataclass(frozen=True)
class LeftOut:
    """What is not asked, and why."""

    name: str
    reason: str


def is_refused(reply: Reply) -> bool:
    """Tell whether an example is to blame, and not the service."""
    return 400 <= reply.status < 500  # noqa: PLR2004 - the caller's fault (RFC 9110, 15.5)


def reason(reply: Reply) -> str:
    """Say why a call was refused, in the service's words."""
    return f"{reply.status} {detail(reply.content)}".strip()
