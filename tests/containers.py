"""Builds the image and runs it by buildah and podman, which need no Docker engine.

Where the base image cannot be had, a stand-in is made of Debian's own Python, under another name.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands import LONGEST_START

PYTHON = ".".join(platform.python_version_tuple()[:2])
BASE = f"docker.io/library/python:{PYTHON}-slim"
STAND_IN = f"localhost/mmf-stand-in:{PYTHON}"
IMAGE = "localhost/mmf-test-image:latest"
NAME = "mmf-test-service"
DEBIAN = "python3,python3-pip,python3-venv,ca-certificates"
LONGEST = 900.0
# Less than any machine's own: a root that may not raise limits cannot start a container with more.
LIMITS = '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'


class Unusable(Exception):
    """Images can be neither built nor run here, for this reason."""


@dataclass(frozen=True)
class Machine:
    """Runs commands; `folder` holds what they need beside the project."""

    folder: Path

    def run(self, *command: str | Path, check: bool = True) -> str:
        """Run a command and return what it printed; it must succeed, unless `check` is off."""
        configuration = self.folder / "containers.conf"
        configuration.write_text(LIMITS, encoding="ascii")
        done = subprocess.run(
            command,
            env=os.environ | {"CONTAINERS_CONF": str(configuration)},
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def succeeds(self, *command: str | Path) -> bool:
        """Return whether a command ends with 0."""
        done = subprocess.run(command, capture_output=True, check=False, timeout=LONGEST)
        return done.returncode == 0

    def base(self) -> str:
        """Return the image that stands for the Dockerfile's base: itself, or a stand-in."""
        for image in (BASE, STAND_IN):
            if self.succeeds("podman", "image", "exists", image):
                return image
        if self.succeeds("buildah", "pull", "--quiet", BASE):
            return BASE
        self._make_stand_in()
        return STAND_IN

    def build(self, project: Path) -> None:
        """Build the project's Dockerfile as it is.

        The packages are fetched outside, as pip is set up here: the build needs no network.
        """
        wheels = self.folder / "wheels"
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--dest", wheels)
        self.run(*pip, "--requirement", project / "requirements.txt")
        configuration = self.folder / "pip.conf"
        configuration.write_text("[global]\nno-index = true\nfind-links = /wheels\n")
        self.run(
            *("buildah", "build", "--isolation", "chroot", "--network", "host"),
            *("--format", "docker"),  # OCI's own has no HEALTHCHECK
            *("--build-context", f"{BASE.rpartition('/')[2]}=container-image://{self.base()}"),
            *("--volume", f"{wheels}:/wheels:ro", "--volume", f"{configuration}:/etc/pip.conf:ro"),
            *("--tag", IMAGE, project),
        )

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        """Return what podman knows about an image or a container."""
        return dict(json.loads(self.run("podman", kind, "inspect", name))[0])

    @contextmanager
    def running(self, image: str, port: int, *options: str) -> Iterator[float]:
        """Run an image on a port of this machine; gives the seconds until it was ready."""
        self.run("podman", "rm", "--force", "--ignore", NAME)
        begin = time.monotonic()
        # Without podman's timer for HEALTHCHECK, which takes systemd; the command stays.
        command = ("podman", "run", "--detach", "--name", NAME, "--health-interval", "disable")
        try:
            self.run(*command, "--publish", f"127.0.0.1:{port}:8000", *options, image)
            self.wait_for(f"http://127.0.0.1:{port}/health/ready")
            yield time.monotonic() - begin
        finally:
            print(self.run("podman", "logs", NAME, check=False))
            self.run("podman", "rm", "--force", "--ignore", NAME)

    def wait_for(self, url: str) -> None:
        """Return when a service answers 200 there."""
        end = time.monotonic() + LONGEST_START
        while time.monotonic() < end:
            with suppress(OSError):
                urllib.request.urlopen(url, timeout=5).close()
                return
            time.sleep(0.1)
        raise AssertionError(f"{url} was not ready after {LONGEST_START} s")

    def _make_stand_in(self) -> None:
        release = platform.freedesktop_os_release()
        if not shutil.which("mmdebstrap") or release["ID"] != "debian":
            raise Unusable(f"{BASE} cannot be pulled, and a stand-in takes Debian and mmdebstrap")
        root = self.folder / "base.tar"
        options = ("--variant=minbase", f"--include={DEBIAN}")
        self.run("mmdebstrap", *options, release["VERSION_CODENAME"], root)
        made = self.run("buildah", "from", "scratch")
        try:
            self.run("buildah", "add", "--quiet", made, root, "/")
            inside = ("buildah", "run", "--isolation", "chroot", made, "--")
            version = self.run(*inside, "python3", "--version")
            if not version.startswith(f"Python {PYTHON}."):
                raise Unusable(f"{BASE} cannot be pulled, and Debian's is {version}")
            self.run(*inside, "ln", "--symbolic", "python3", "/usr/bin/python")
            self.run("buildah", "commit", "--quiet", "--format", "docker", made, STAND_IN)
        finally:
            self.run("buildah", "rm", made)
            with suppress(FileNotFoundError):
                root.unlink()


def missing() -> str | None:
    """Say why no image can be built and run here, or None where it can."""
    absent = [name for name in ("buildah", "podman") if not shutil.which(name)]
    return f"{' and '.join(absent)} not installed" if absent else None
