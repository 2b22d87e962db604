"""What a load test is told by environment variables; docs/load.md of the template explains them."""

import os
from dataclasses import dataclass, field
from typing import Self


def number(name: str, text: str) -> float:
    """Read a number that is 0 or more; the load test ends with one line where it is none."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise SystemExit(f"{name} must be a number, 0 or more, not {text!r}")
    return value


def weights(text: str) -> dict[str, int]:
    """Read `score=5,xlsx=3`: how often what goes by a word is asked, 0 for never."""
    found = {}
    for item in filter(None, text.replace(" ", "").split(",")):
        word, _, count = item.partition("=")
        if not (count.isascii() and count.isdigit()):
            raise SystemExit(f"LOAD_WEIGHTS is written as score=5,xlsx=3, not {item!r}")
        found[word] = int(count)
    return found


@dataclass(frozen=True)
class Settings:
    """The limits of the verdict, and what is asked."""

    p95_ms: float = 1000
    fail_ratio: float = 0
    min_rps: float = 0
    requests: int = 0
    weights: dict[str, int] = field(default_factory=dict)
    shape: str = ""
    step_seconds: float = 5

    @classmethod
    def from_environment(cls) -> Self:
        """Read them; SystemExit says which one makes no sense."""
        shape = os.environ.get("LOAD_SHAPE") or ""
        if shape not in {"", "steps"}:
            raise SystemExit(f"LOAD_SHAPE is steps or nothing, not {shape!r}")
        return cls(
            p95_ms=number("LOAD_P95_MS", os.environ.get("LOAD_P95_MS", "1000")),
            fail_ratio=number("LOAD_FAIL_RATIO", os.environ.get("LOAD_FAIL_RATIO", "0")),
            min_rps=number("LOAD_MIN_RPS", os.environ.get("LOAD_MIN_RPS", "0")),
            requests=int(number("LOAD_REQUESTS", os.environ.get("LOAD_REQUESTS", "0"))),
            weights=weights(os.environ.get("LOAD_WEIGHTS") or ""),
            shape=shape,
            step_seconds=number("LOAD_STEP_SECONDS", os.environ.get("LOAD_STEP_SECONDS", "5")),
        )
