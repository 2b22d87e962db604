"""`/metrics` of a real service: correct across workers, reloads and kills, without leftovers."""

import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from scrapes import Scrape, folder_of, scrape

from live_load import APP, LONGEST, Live, kill, living, wait_until
from services import serve

MAIN = """
import json
import time
from pathlib import Path

from prometheus_client import Counter

import mmf_core as mmf

SEEN = Counter("author_seen", "Counted by main.py.", ["what"])
TABLE = mmf.DataFrame(schema={"a": float})


@mmf.artifact("model.json", name="a model")
def model():
    return json.loads(Path("model.json").read_text())


@mmf.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True, default=True)
def score(data=TABLE):
    SEEN.labels("score").inc(model["version"])
    return data


@mmf.target(returns=mmf.String())
def broken(text=mmf.String(default="")):
    raise RuntimeError("a secret")


@mmf.target(returns=mmf.String(), timeout=0.05)
def late():
    time.sleep(0.2)
    return "late"


@mmf.target(returns=mmf.String(), max_concurrency=1, max_queue=0)
def single():
    while Path("hold").exists():
        time.sleep(0.01)
    return "single"
"""
ROWS = [{"a": 1.0}, {"a": 2.0}]
V2 = {"inputs": [{"name": "a", "shape": [2], "datatype": "FP64", "data": [1.0, 2.0]}]}
IMAGE = {"data": b"x", "headers": {"Content-Type": "image/png"}}
# Requests with their labels: target, protocol, status.
SENT = [
    ("score", {"json": ROWS}, ("score", "native", "200")),
    ("score", {"json": [{"b": 1}]}, ("score", "native", "422")),
    ("score", IMAGE, ("score", "native", "415")),
    ("score?format=png", {"json": ROWS}, ("score", "native", "406")),
    ("broken", {"json": "x"}, ("broken", "native", "500")),
    ("late", {}, ("late", "native", "504")),
    ("invocations", {"json": {"dataframe_records": ROWS}}, ("score", "mlflow", "200")),
    ("v2/models/score/infer", {"json": V2}, ("score", "v2", "200")),
    ("v2/models/none/infer", {"json": V2}, ("", "v2", "404")),
    ("nothing/such", {}, ("", "native", "404")),
    ("none/such", {}, ("", "native", "404")),
]
TIMES = 12


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Yield a service with three workers; tests compare increments."""
    with living(tmp_path_factory.mktemp("metrics"), MAIN, WEB_CONCURRENCY="3") as running:
        yield running


def send(live: Live, request: tuple[str, dict[str, Any], tuple[str, str, str]]) -> None:
    path, how, expected = request
    response = requests.post(f"{live.service.url}/{path}", timeout=LONGEST, **how)
    assert str(response.status_code) == expected[2], response.text


def send_all(live: Live) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda request: send(live, request), SENT * TIMES))


def requests_of(scraped: Scrape) -> Counter[Any]:
    by = scraped.values("mmf_requests_total", "target", "protocol", "status")
    return Counter({key: int(value) for key, value in by.items() if key != ("", "native", "200")})


def test_requests_are_aggregated_over_workers(live: Live) -> None:
    before = scrape(live.service.url)
    send_all(live)
    after = scrape(live.service.url)

    def grown(name: str, *by: str, **where: str) -> dict[Any, float]:
        old, new = before.values(name, *by, **where), after.values(name, *by, **where)
        return {key: new[key] - old.get(key, 0) for key in new if new[key] != old.get(key, 0)}

    expected = Counter(labels for *_, labels in SENT * TIMES)
    assert requests_of(after) - requests_of(before) == expected
    by_target = Counter({key[:2]: 0 for key in expected})
    for key, count in expected.items():
        by_target[key[:2]] += count
    of_targets = {key: count for key, count in by_target.items() if key[0]}
    duration = "mmf_request_duration_seconds"
    assert grown(f"{duration}_count", "target", "protocol") == of_targets
    assert grown(f"{duration}_bucket", "target", "protocol", le="+Inf") == of_targets
    scored = 3 * TIMES
    assert grown("mmf_rows_total", "target", "direction") == {
        ("score", "in"): 2 * scored + TIMES,  # a row with invalid columns is decoded, then rejected
        ("score", "out"): 2 * scored,
    }
    stages = grown("mmf_request_stage_seconds_count", "target", "stage")
    assert stages["score", "decode"] == scored + TIMES
    for stage in ("queue", "encode"):
        assert stages["score", stage] == scored, stage
    assert stages["broken", "call"] == TIMES
    assert ("broken", "encode") not in stages
    assert stages["late", "decode"] == TIMES
    shared = grown("mmf_batch_requests_sum", "target")
    assert shared == {"score": scored}, "each request is in one batch"
    calls = grown("mmf_batch_requests_count", "target")["score"]
    assert stages["score", "call"] == calls <= scored, "a batched call is counted once"
    whole = grown(f"{duration}_sum", "target")
    assert whole["late"] >= TIMES * 0.05
    parts = grown("mmf_request_stage_seconds_sum", "target")
    assert 0 < parts["score"] <= whole["score"]
    assert set(after.values("mmf_requests_in_flight", "target").values()) == {0}
    assert grown("author_seen_total", "what")["score"] > 0, "metrics of main.py are included"
    assert len(after.values("mmf_worker_memory_bytes", "pid")) == 3
    assert min(after.values("mmf_worker_memory_bytes", "pid").values()) > 10_000_000


def test_histogram_buckets_are_cumulative(live: Live) -> None:
    send(live, SENT[0])
    samples = scrape(live.service.url).values(
        "mmf_request_duration_seconds_bucket", "target", "protocol", "le"
    )
    by_series: dict[Any, list[tuple[float, float]]] = {}
    for (*series, bound), value in samples.items():
        by_series.setdefault(tuple(series), []).append((float(bound), value))
    assert by_series
    for values in by_series.values():
        counts = [value for _, value in sorted(values)]
        assert counts == sorted(counts)


def test_dead_worker_keeps_counters_and_loses_gauges(live: Live) -> None:
    hold = live.folder / "hold"
    hold.touch()
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(requests.post, f"{live.service.url}/single", timeout=LONGEST)
        wait_until(lambda: scrape(live.service.url).value("mmf_requests_in_flight") == 1)
        before = requests_of(scrape(live.service.url))
        for pid in live.workers:
            kill(pid)
        with pytest.raises(requests.ConnectionError):
            held.result()
    hold.unlink()
    wait_until(lambda: len(live.workers) == 3 and live.ready().ok)
    wait_until(lambda: scrape(live.service.url).value("mmf_requests_in_flight") == 0)
    assert requests_of(scrape(live.service.url)) == before
    send_all(live)
    assert requests_of(scrape(live.service.url)) - before == Counter(
        labels for *_, labels in SENT * TIMES
    )


def test_counters_continue_after_a_reload(live: Live) -> None:
    send_all(live)
    before = scrape(live.service.url)
    for version in (2, 3):
        live.put(version=version)
        live.reload()
    wait_until(lambda: len(scrape(live.service.url).values("mmf_worker_memory_bytes", "pid")) == 3)
    after = scrape(live.service.url)
    assert requests_of(after) == requests_of(before)
    counted = "author_seen_total"  # also when a new worker warms up
    assert after.value(counted) >= before.value(counted) > 0
    loaded = "mmf_artifact_loaded_timestamp_seconds"
    assert after.value(loaded) > before.value(loaded)
    assert after.value("mmf_reload_failed") == 0
    pids = {int(pid) for pid in after.values("mmf_worker_memory_bytes", "pid")}
    assert pids == live.workers
    (folder,) = {folder_of(pid) for pid in pids}
    # The master, six workers while the old ones end, and two processes that test a new version.
    assert len(list(folder.glob("counter_*.db"))) <= 9, "ended workers leave no files of their own"
    (live.folder / "model.json").write_text("{")
    live.refuse()
    assert scrape(live.service.url).value("mmf_reload_failed") == 1
    live.put(version=1)
    live.reload()


def test_rejections_of_a_busy_target_are_counted(live: Live) -> None:
    hold = live.folder / "hold"
    hold.touch()
    before = requests_of(scrape(live.service.url))
    with ThreadPoolExecutor(8) as pool:
        held = [
            pool.submit(requests.post, f"{live.service.url}/single", timeout=LONGEST)
            for _ in range(8)
        ]
        # Three workers take one request each; a busy worker rejects the others.
        wait_until(lambda: sum(future.done() for future in held) >= 5)
        hold.unlink()
        statuses = Counter(str(future.result().status_code) for future in held)
    assert statuses["503"] >= 5
    after = requests_of(scrape(live.service.url))
    assert after - before == Counter(
        {("single", "native", status): count for status, count in statuses.items()}
    )


@contextmanager
def _until_unlocked(folder: Path) -> Iterator[None]:
    """Wait until no process of a service uses its folder, and lock it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def test_files_are_removed_at_shutdown_and_after_a_kill(tmp_path: Path) -> None:
    with living(tmp_path, MAIN) as first:
        (folder,) = {folder_of(pid) for pid in first.workers}
        old = first.workers
        kill(first.service.process.pid)
        with _until_unlocked(folder):  # otherwise another test's service may remove it
            assert folder.exists(), "no process was left to remove it"
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in old))
        with living(tmp_path, MAIN) as second:
            assert not folder.exists(), "the next service removed it"
            (folder,) = {folder_of(pid) for pid in second.workers}
    assert not folder.exists()


def test_replaced_workers_keep_counters_and_leave_no_files(tmp_path: Path) -> None:
    with living(tmp_path, MAIN, WEB_MAX_REQUESTS="20") as live:
        (folder,) = {folder_of(pid) for pid in live.workers}
        first = live.workers
        send_all(live)
        send_all(live)
        wait_until(lambda: len(live.workers) == 2 and not live.workers & first)
        assert requests_of(scrape(live.service.url)) == Counter(
            labels for *_, labels in 2 * SENT * TIMES
        )
        # The master, and four workers while two replace two.
        assert len(list(folder.glob("counter_*.db"))) <= 5


def test_service_survives_deletion_of_its_files(tmp_path: Path) -> None:
    with living(tmp_path, MAIN) as live:
        (folder,) = {folder_of(pid) for pid in live.workers}
        shutil.rmtree(folder)
        old = live.workers
        for pid in old:
            kill(pid)
        wait_until(lambda: len(live.workers) == 2 and not live.workers & old)
        send(live, ("single", {}, ("single", "native", "200")))
        assert requests_of(scrape(live.service.url)) == Counter({("single", "native", "200"): 1})


def test_configured_folder_is_emptied_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "counts" / "here"
    folder.mkdir(parents=True)
    (folder / "counter_999.db").write_bytes(b"of another life")
    with living(tmp_path, MAIN, PROMETHEUS_MULTIPROC_DIR=str(folder)) as live:
        assert not (folder / "counter_999.db").exists()
        send(live, SENT[0])
        assert requests_of(scrape(live.service.url)) == Counter({SENT[0][2]: 1})
        assert list(folder.glob("counter_*.db"))
    assert list(folder.iterdir()) == []


def test_flask_dev_server_counts_requests(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"version": 1}')
    (tmp_path / "main.py").write_text(MAIN)
    with (tmp_path / "log").open("wb") as log:
        with serve("flask", tmp_path, log, app=APP) as service:
            live = Live(tmp_path, service)
            for request in SENT:
                send(live, request)
            scraped = scrape(service.url)
        assert requests_of(scraped) == Counter(labels for *_, labels in SENT)
        assert scraped.value("author_seen_total", what="score") == 3
