"""What a run has done: a line for people, and a JSON file for programs."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import time
from typing import Any

from .. import __version__
from ..stores.digests import sha256_of
from .journal import Part
from .progress import counted, duration
from .sources import Source

_PACKAGES = ("pandas", "numpy", "pyarrow", "scikit-learn", "onnxruntime", "xgboost", "lightgbm")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that are installed, by name."""
    installed = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed


@dataclass(frozen=True, slots=True)
class Summary:
    """A run that began at `started`, seconds since 1970."""

    started: float
    is_resumed: bool

    def line(self, parts: Sequence[Part], name: str, bad: str) -> str:
        """Return the line that is printed at the end."""
        rows = sum(part.rows for part in parts)
        seconds = time() - self.started
        written = sum(part.written for part in parts)
        speed = "" if self.is_resumed else f", {rows / max(seconds, 1e-9):,.0f} rows/s"
        text = f"wrote {counted(written, 'row')} to {name} in {duration(seconds)}{speed}"
        return f"{text}; {counted(rows - written, 'bad row')}: {bad}" if bad else text

    def write(  # noqa: PLR0913 - each by its name
        self,
        path: Path,
        *,
        target: str,
        model_version: str,
        sources: Sequence[Source],
        parts: Sequence[Part],
        output: tuple[str, Path | None],
        workers: int,
    ) -> None:
        """Write counts, seconds, versions and checksums as JSON."""
        rows: Counter[str] = Counter()
        for part in parts:
            rows[part.file] += part.rows
        total, written = sum(rows.values()), sum(part.written for part in parts)
        ended = time()
        name, complete = output
        document: dict[str, Any] = {
            "target": target,
            "model_version": model_version,
            "rows": total,
            "predicted": written,
            "bad": total - written,
            "inputs": [
                {"name": source.name, "rows": rows[source.name], "sha256": source.sha256()}
                for source in sources
            ],
            "output": {
                "name": name,
                "bytes": complete.stat().st_size if complete else None,
                "sha256": sha256_of(complete) if complete else None,
            },
            "started_at": _moment(self.started),
            "ended_at": _moment(ended),
            "seconds": round(ended - self.started, 3),
            "resumed": self.is_resumed,
            "workers": workers,
            "versions": {"mmf_core": __version__, **versions()},
        }
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
