"""Settings of the load test, from environment variables: docs/load.md of the template."""

import os
from dataclasses import dataclass, field
from typing import Self


def number(name: str, text: str) -> float:
    """Return a number of at least 0; SystemExit with one line if it is not one."""
    try:
        value = -1.0 if "_" in text else float(text)  # Python reads 1_0 as 10
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise SystemExit(f"{name}: expected a number of at least 0, got {text!r}")
    return value


def weights(text: str) -> dict[str, int]:
    """Parse `score=5,xlsx=3`: how often the calls with a word are made, 0 for never."""
    counts = {}
    for item in filter(None, text.replace(" ", "").split(",")):
        word, _, count = item.partition("=")
        if not (count.isascii() and count.isdigit()):
            raise SystemExit(f"LOAD_WEIGHTS: expected score=5,xlsx=3, got {item!r}")
        counts[word] = int(count)
    return counts


@dataclass(frozen=True)
class Settings:
    """The limits of the verdict, and the calls to make."""

    p95_ms: float = 1000
    fail_ratio: float = 0
    min_rps: float = 0
    requests: int = 0
    weights: dict[str, int] = field(default_factory=dict)
    shape: str = ""
    step_seconds: float = 5
    token: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of each request in addition to its own."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @classmethod
    def from_environment(cls) -> Self:
        """Read all variables; SystemExit names one with an invalid value."""
        shape = os.environ.get("LOAD_SHAPE") or ""
        if shape not in {"", "steps"}:
            raise SystemExit(f"LOAD_SHAPE: expected steps or nothing, got {shape!r}")
        return cls(
            p95_ms=number("LOAD_P95_MS", os.environ.get("LOAD_P95_MS", "1000")),
            fail_ratio=number("LOAD_FAIL_RATIO", os.environ.get("LOAD_FAIL_RATIO", "0")),
            min_rps=number("LOAD_MIN_RPS", os.environ.get("LOAD_MIN_RPS", "0")),
            requests=int(number("LOAD_REQUESTS", os.environ.get("LOAD_REQUESTS", "0"))),
            weights=weights(os.environ.get("LOAD_WEIGHTS") or ""),
            shape=shape,
            step_seconds=number("LOAD_STEP_SECONDS", os.environ.get("LOAD_STEP_SECONDS", "5")),
            token=os.environ.get("LOAD_TOKEN") or "",
        )
