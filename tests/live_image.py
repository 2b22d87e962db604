"""The image, really built and run: `make test-image`. Minutes, so not a part of `make test`.

The last lines are its figures: the size, the time until it is ready, and the memory.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from baking import PAYLOAD, make_project
from commands import free_port
from containers import BASE, IMAGE, NAME, PYTHON, Machine, Unusable, missing
from test_life import check_answers

MIB = 1024 * 1024
DYNO = 512 * MIB
SOON = 10.0  # seconds, within which a service without requests ends
# As OpenShift's: no such user is in the image.
ANYBODY = random.Random().randrange(1_000_000_000, 1_001_000_000)
CONFINED = (
    *("--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges"),
    *("--user", f"{ANYBODY}:0", "--memory", "512m", "--memory-swap", "512m", "--cpus", "2"),
)
figures: dict[str, str] = {}


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    """Print the figures at the end."""
    yield
    print("\n\n| the image | |\n|---|---|")
    print("\n".join(f"| {name} | {figure} |" for name, figure in figures.items()))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Give what builds and runs images."""
    if reason := missing():
        pytest.skip(reason)
    return Machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project with its model, for the Python that runs this."""
    folder = make_project(tmp_path_factory.mktemp("image") / "output", {"python_version": PYTHON})
    subprocess.run([sys.executable, "train.py"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def image(machine: Machine, project: Path) -> str:
    """Build the image."""
    try:
        base = machine.base()
    except Unusable as error:
        pytest.skip(str(error))
    begin = time.monotonic()
    machine.build(project)
    size = machine.inspect("image", IMAGE)["Size"]
    below = machine.inspect("image", base)["Size"]
    figures["base"] = "Debian's Python, standing in for it" if base != BASE else base
    figures["build"] = f"{time.monotonic() - begin:.0f} s"
    figures["size"] = f"{size / MIB:.0f} MiB, of which the base is {below / MIB:.0f}"
    return IMAGE


@pytest.fixture(scope="module")
def service(machine: Machine, image: str) -> Iterator[str]:
    """Run the image with no right at all, as a user whom it does not know; gives its URL."""
    port = free_port()
    with machine.running(image, port, *CONFINED) as seconds:
        figures["start to ready"] = f"{seconds:.1f} s"
        yield f"http://127.0.0.1:{port}"


def inside(machine: Machine, program: str) -> str:
    """Run Python in the running container and return what it prints."""
    return machine.run("podman", "exec", NAME, "python", "-c", program)


def health_check(machine: Machine) -> list[str]:
    """Return the command of HEALTHCHECK as the image has it."""
    check = machine.inspect("image", IMAGE)["Healthcheck"]["Test"]
    assert check[0] == "CMD", "without a shell"
    return list(check[1:])


def test_predicts_and_fits(machine: Machine, service: str) -> None:
    check_answers(service)
    taken = json.loads(machine.run("podman", "stats", "--no-stream", "--format", "json", NAME))
    figures["memory"] = taken[0]["mem_usage"].partition(" / ")[0] + ", 2 workers after a request"
    state = machine.inspect("container", NAME)["State"]
    assert state["Running"]
    assert not state["OOMKilled"]


@pytest.mark.usefixtures("service")
def test_nobody_with_no_rights(machine: Machine) -> None:
    seen = inside(machine, "import os; print(os.getuid(), os.getgid())")
    assert seen == f"{ANYBODY} 0"
    status = inside(machine, "print(open('/proc/1/status').read())")
    held = {line.split()[1] for line in status.splitlines() if line.startswith("Cap")}
    assert held == {"0000000000000000"}
    assert "NoNewPrivs:\t1" in status


@pytest.mark.usefixtures("service")
def test_only_tmp_is_written(machine: Machine) -> None:
    program = """
import os
for folder in ("/", "/app", "/venv", "/etc", "/tmp", "/dev/shm"):
    try:
        open(os.path.join(folder, "new"), "w").close()
    except OSError:
        continue
    print(folder)
"""
    assert inside(machine, program).split() == ["/tmp", "/dev/shm"]


@pytest.mark.usefixtures("service")
def test_gunicorn_is_the_first_process(machine: Machine) -> None:
    command = inside(machine, "print(open('/proc/1/cmdline').read().split(chr(0)))")
    assert "/venv/bin/gunicorn" in command


def test_image_holds_no_tools(machine: Machine, image: str) -> None:
    files = machine.run("podman", "run", "--rm", image, "ls", "--almost-all", "/app", "/venv/bin")
    assert not {"tests", "Dockerfile", "deploy", "compose.yaml", "pip"} & set(files.split())
    assert {"main.py", "train.py", "mmf_core", "gunicorn"} <= set(files.split())


@pytest.mark.usefixtures("service")
def test_health_check_works(machine: Machine) -> None:
    assert machine.run("podman", "healthcheck", "run", NAME) == ""
    machine.run("podman", "exec", NAME, *health_check(machine))


def test_health_check_fails_without_a_service(machine: Machine, image: str) -> None:
    check = health_check(machine)
    with pytest.raises(AssertionError, match="Connection refused"):
        machine.run("podman", "run", "--rm", image, *check)


def test_sigterm_ends_it_with_0(machine: Machine, service: str) -> None:
    """The last one of the running container."""
    check_answers(service)
    begin = time.monotonic()
    machine.run("podman", "stop", "--time", "60", NAME)
    seconds = time.monotonic() - begin
    figures["SIGTERM to end"] = f"{seconds:.1f} s"
    assert machine.inspect("container", NAME)["State"]["ExitCode"] == 0
    assert seconds < SOON


# By the Kubernetes manifest


def deployment(project: Path, image: str, port: int) -> dict[str, Any]:
    """Return the Deployment as it is, but for the image's name and a port of this machine."""
    manifest = yaml.safe_load((project / "deploy" / "kubernetes" / "deployment.yaml").read_text())
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    container["image"] = image
    container["ports"][0]["hostPort"] = port
    # podman asks probes by curl inside of the container, which has none; asked by hand below.
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        del container[probe]
    return dict(manifest)


def test_kube_play(machine: Machine, image: str, project: Path) -> None:
    port = free_port()
    manifest = machine.folder / "deployment.yaml"
    manifest.write_text(yaml.safe_dump(deployment(project, image, port)))
    url = f"http://127.0.0.1:{port}"
    try:
        machine.run("podman", "kube", "play", "--log-driver", "k8s-file", manifest)
        machine.wait_for(f"{url}/health/ready")
        machine.wait_for(f"{url}/health/live")
        check_answers(url)
        names = machine.run("podman", "ps", "--format", "{{.Names}}").split()
        (name,) = [name for name in names if name.endswith("-service")]
        seen = machine.inspect("container", name)
        assert seen["HostConfig"]["ReadonlyRootfs"]
        assert seen["HostConfig"]["Memory"] == DYNO
        assert seen["EffectiveCaps"] in (None, [])
        assert seen["Config"]["User"] == "10001:10001"
    finally:
        machine.run("podman", "kube", "down", manifest, check=False)


def test_vendored_package_is_the_same(machine: Machine, image: str) -> None:
    """Nothing of mmf_core is lost on the way into the image."""
    ours = sorted(path.name for path in (PAYLOAD / "mmf_core").rglob("*.py"))
    program = "import pathlib; print(*(p.name for p in pathlib.Path('mmf_core').rglob('*.py')))"
    theirs = machine.run("podman", "run", "--rm", image, "python", "-c", program)
    assert sorted(theirs.split()) == ours
