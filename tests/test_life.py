"""A complete run of a project: made, installed, tested, trained, served, load-tested."""

import psutil
import pytest
import requests
from sklearn.datasets import load_wine

from commands import Project, free_port, post_json

CULTIVARS = 3
DYNO = 512 * 1024 * 1024


def wine_records() -> list[dict[str, float]]:
    """Return one row of each cultivar from the sample's training data."""
    wine = load_wine(as_frame=True)
    rows = wine.data[~wine.target.duplicated()]
    assert len(rows) == CULTIVARS
    records: list[dict[str, float]] = rows.to_dict("records")
    return records


def check_service(url: str) -> None:
    """Fail unless the service at `url` is healthy and predicts."""
    predictions = post_json(f"{url}/score", wine_records())
    assert [row["prediction"] for row in predictions] == ["class_0", "class_1", "class_2"]


def test_make_install_is_idempotent(installed: Project) -> None:
    assert "Installed" not in installed.run("make", "install")


@pytest.mark.parametrize("target", [pytest.param("lint", marks=pytest.mark.long), "test"])
def test_make_targets(installed: Project, target: str) -> None:
    installed.run("make", target)


def test_gunicorn_accepts_its_config(installed: Project) -> None:
    installed.run("gunicorn", "--check-config", "app:app")


def test_gunicorn_serves(installed: Project) -> None:
    port = free_port()
    command = ("gunicorn", "-w", "4", "--bind", f"127.0.0.1:{port}", "app:app")
    with installed.serving(*command, port=port) as url:
        check_service(url)


def test_honcho_starts_the_procfile_on_port(installed: Project) -> None:
    """As Heroku does on its smallest dynos: two workers, which fit into 512 MB."""
    port = free_port()
    environment = {"PORT": str(port), "WEB_CONCURRENCY": "2"}
    with installed.serving("honcho", "start", "web", port=port, **environment) as url:
        for _ in range(3):
            check_service(url)
            post_json(f"{url}/score", wine_records() * 100)
            assert memory_on(port) < DYNO


def test_honcho_starts_a_task_worker(installed: Project) -> None:
    port = free_port()
    environment = {"PORT": str(port), "WEB_CONCURRENCY": "1", "MMF_TASK_WORKERS": "0"}
    with installed.serving("honcho", "start", port=port, **environment) as url:
        response = requests.post(
            f"{url}/score",
            json=wine_records(),
            headers={"Prefer": "respond-async, wait=60", "Accept": "application/json"},
            timeout=120,
        )
        assert response.status_code == 200, "the result itself, which only a worker can have made"
        assert [row["prediction"] for row in response.json()] == [f"class_{n}" for n in range(3)]


def memory_on(port: int) -> int:
    """Return the memory of the processes started with this port; a shared page counts once.

    Not RLIMIT_AS, which counts memory that numpy only reserves; not a cgroup, which needs root.
    """
    started = psutil.Process().children(recursive=True)
    tree = [process for process in started if process.environ().get("PORT") == str(port)]
    assert len(tree) >= 4, "honcho, gunicorn's master and two workers"
    if not psutil.LINUX:
        return sum(process.memory_info().rss for process in tree)
    return sum(process.memory_full_info().pss for process in tree)


def test_flask_run_serves(installed: Project) -> None:
    port = free_port()
    with installed.serving("flask", "run", "--port", str(port), port=port) as url:
        check_service(url)


def test_make_run_serves(installed: Project) -> None:
    port = free_port()
    with installed.serving("make", "run", f"PORT={port}", port=port, PORT=str(port)) as url:
        check_service(url)
