"""Raises the pinned versions here; what is shared with the project keeps its versions.

`python benchmarks/lock.py [PEER…]`
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from environments import uv
from paths import HERE, LOCKS

# One lock for every system and Python from 3.11 on, without a trace of this machine.
OPTIONS = (
    *("--universal", "--python-version", "3.11", "--fork-strategy", "fewest", "--upgrade"),
    *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet"),
)
# The model is the same everywhere, so that every server responds the same.
SHARED = re.compile(r"(numpy|scipy|pandas|scikit-learn|joblib|onnxruntime)==.*")


def main() -> None:
    """Write requirements.txt of the named peers, or of all."""
    pins = sorted({pin for lock in LOCKS for pin in lock.read_text(encoding="utf-8").splitlines()})
    pinned = {file.parent.name: file for file in sorted(HERE.glob("**/requirements.in"))}
    peers = sys.argv[1:] or list(pinned)
    with tempfile.TemporaryDirectory() as folder:
        shared = Path(folder, "shared.txt")
        shared.write_text("\n".join(filter(SHARED.fullmatch, pins)), encoding="utf-8")
        for peer in peers:
            print(f"resolving {peer}", flush=True)
            source = pinned[peer]
            lock = str(source.with_suffix(".txt"))
            uv("pip", "compile", *OPTIONS, "-c", str(shared), str(source), "--output-file", lock)


if __name__ == "__main__":
    main()
