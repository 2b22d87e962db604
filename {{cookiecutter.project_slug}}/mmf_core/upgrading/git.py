"""git, for scratch repositories and for the project: no hook and no key of the user's is used.

The template's hook uses this module, too.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from .record import UpgradeError

_OPTIONS = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "commit.gpgSign=false"),
    *("-c", "merge.verifySignatures=false"),
    *("-c", "core.quotePath=false"),
    *("-c", "init.defaultBranch=main"),
)
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")  # of a hook


def git(folder: Path, *arguments: str, may_fail: bool = False) -> str:
    """Run git in a folder and return what it prints; UpgradeError with its message if it fails."""
    environment = {name: text for name, text in os.environ.items() if name not in _ELSEWHERE}
    command = ["git", *_OPTIONS, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment | {"GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError:
        raise UpgradeError("git is missing: install it") from None
    if done.returncode and not may_fail:
        raise UpgradeError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def names(listing: str) -> list[str]:
    """Return the names in a listing that git printed with -z."""
    return [name for name in listing.split("\0") if name]
