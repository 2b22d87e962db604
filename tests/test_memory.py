"""No request makes a worker grow by more than twelve times the largest accepted body.

A new worker is sent the body that takes the most memory for its size; a rejected body
is made smaller until it is accepted. Linux records the peak memory of a process.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import pytest

from commands import LONGEST_START, wait_until_ready
from mmf_core.codecs import Format
from mmf_core.codecs.decoded_size import MAX_GROWTH
from services import Service, serve
from worst_case_inputs import ENVELOPES, WORST, Make, compressed

LIMIT = 4 * 1024 * 1024
SMALL = 64 * 1024  # imports the libraries
REFUSED = {400, 413}  # rejected: nearly empty, too large
OWN = 4 * 1024 * 1024  # the cost of any request: threads, buffers, partly used arenas of a MiB
APP = """
import mmf_core as mmf
from mmf_core.web import create_app

DESCRIPTORS = {
    "table": mmf.DataFrame, "array": mmf.Array, "tree": mmf.Dict, "picture": mmf.Img,
    "text": mmf.String, "file": mmf.File,
}
registry = mmf.Registry()
for name, descriptor in DESCRIPTORS.items():
    def function(data=descriptor()):
        return "taken"
    function.__name__ = name
    registry.target(returns=mmf.String())(function)

app = create_app(registry)
"""
BODIES = {
    f"{kind} {form} {what}": (kind, Format.of_extension(form), make)
    for kind, forms in WORST.items()
    for form, makes in forms.items()
    for what, make in makes.items()
}
QUICK = {
    *("table csv gaps", "table json records", "array json rows"),
    *("tree json small objects", "picture png RGBA"),
}
assert BODIES.keys() >= QUICK
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="only Linux records the peak memory"
)


class Growth(NamedTuple):
    """The effect of a body on a worker."""

    name: str
    size: int
    status: int
    times: float

    def __str__(self) -> str:
        return f"{self.times:6.1f}x  {self.status}  {self.size:>9,} bytes  {self.name}"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    megabytes = str(LIMIT // 1024**2)
    extra = {
        "WEB_CONCURRENCY": "1",
        "MMF_MAX_BODY_MIB": megabytes,
        "MMF_MAX_DECOMPRESSED_MIB": megabytes,
        "OPENBLAS_NUM_THREADS": "1",
    }
    folder: Path = tmp_path_factory.mktemp("memory")
    with serve("gunicorn", folder, subprocess.DEVNULL, APP, **extra) as running:
        yield running


def _worker(service: Service) -> int:
    """Return the process id of the service's worker."""
    master = service.process.pid
    children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
    return int(children[0]) if len(children) == 1 else 0


def _renew(service: Service) -> int:
    """End the current worker and return the process id of the next one."""
    old = _worker(service)
    os.kill(old, signal.SIGTERM)
    end = time.monotonic() + LONGEST_START
    while time.monotonic() < end:
        if (new := _worker(service)) not in {0, old}:
            wait_until_ready(service.process, f"{service.url}/health/ready")
            return new
        time.sleep(0.05)
    raise AssertionError("there is no new worker")


def _memory(worker: int, field: str) -> int:
    for line in Path(f"/proc/{worker}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"{field} is not in the status of {worker}")


def _post(service: Service, path: str, form: Format, body: bytes, **headers: str) -> int:
    headers |= {"Content-Type": form.media_type}
    connection = HTTPConnection("127.0.0.1", service.port, timeout=300)
    connection.request("POST", path, body, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    assert response.status in {200, 422} | REFUSED, content
    return response.status


def _grow(
    service: Service, name: str, make: Make, send: Callable[[Make, int], tuple[int, int]]
) -> Growth:
    """Return the growth of a new worker on the largest such body that is accepted."""
    worker = _renew(service)
    send(make, SMALL)
    Path(f"/proc/{worker}/clear_refs").write_text("5", encoding="ascii")  # reset the peak
    before = _memory(worker, "VmRSS")
    most, status = LIMIT, 413
    while status in REFUSED:
        size, status = send(make, most)
        most = most * 4 // 5
    grown = _memory(worker, "VmHWM") - before - OWN
    assert _worker(service) == worker, "the worker has died"
    return Growth(name, size, status, grown / LIMIT)


def test_every_readable_format_has_a_worst_case() -> None:
    from mmf_core.codecs import Kind, readable

    kinds = {"picture": Kind.IMAGE, "text": Kind.SCALAR, "tree": Kind.JSON}
    for kind, forms in WORST.items():
        covered = {Format.of_extension(form) for form in forms}
        of_kind = set(readable(kinds.get(kind) or Kind[kind.upper()]))
        same = (
            {Format.FEATHER} if kind == "table" else {Format.JSON} if kind == "picture" else set()
        )
        assert covered | same == of_kind


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in BODIES],
)
def test_worker_memory_growth_is_limited(service: Service, name: str) -> None:
    kind, form, make = BODIES[name]
    assert form is not None

    def send(make: Make, most: int) -> tuple[int, int]:
        body = make(most)
        return len(body), _post(service, f"/{kind}", form, body)

    growth = _grow(service, name, make, send)
    print(growth)
    assert growth.times <= MAX_GROWTH, growth


ENVELOPE_BODIES = {
    f"{path} {what}": (path, make)
    for path, makes in ENVELOPES.items()
    for what, make in makes.items()
}


@pytest.mark.long
@pytest.mark.parametrize("name", ENVELOPE_BODIES)
def test_memory_growth_in_other_protocols(service: Service, name: str) -> None:
    path, make = ENVELOPE_BODIES[name]

    def send(make: Make, most: int) -> tuple[int, int]:
        body = make(most)
        return len(body), _post(service, path, Format.JSON, body)

    growth = _grow(service, name, make, send)
    print(growth)
    assert growth.times <= MAX_GROWTH, growth


@pytest.mark.long
@pytest.mark.parametrize("name", ["table json records", "table csv gaps"])
def test_memory_growth_with_compressed_bodies(service: Service, name: str) -> None:
    kind, form, make = BODIES[name]
    assert form is not None

    def send(make: Make, most: int) -> tuple[int, int]:
        body = compressed(make)(most)
        return len(body), _post(service, f"/{kind}", form, body, **{"Content-Encoding": "gzip"})

    growth = _grow(service, name, make, send)
    print(growth)
    assert growth.times <= MAX_GROWTH, growth
