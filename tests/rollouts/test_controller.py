"""The worker that follows a plan: it takes over from another one, and detects changed files."""

import http.server
import json
import math
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner

import mmf_core as mmf
from mmf_core.example_calls import Failure
from mmf_core.execution import Execution
from mmf_core.models import profile_of
from mmf_core.registry import default
from mmf_core.rollouts import candidate, changes, commands, gates, mirror, service, state
from mmf_core.rollouts.candidate import CandidateError
from mmf_core.rollouts.controller import BREACHES, Controller
from mmf_core.rollouts.counters import CANDIDATE, STABLE, Copies, Counters
from mmf_core.rollouts.mirror import Mirror
from mmf_core.rollouts.plan import Candidate, Gates, Plan, of, read, write
from mmf_core.rollouts.rollout import ABORTED, PROMOTED, RUNNING, Rollout
from mmf_core.shared_memory import SharedText


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a plan, in a folder with both models."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").write_text("old")
    (tmp_path / "new").write_text("new")
    return tmp_path / "rollout.toml"


@pytest.fixture
def reloads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the signals that the master has received."""
    signals: list[int] = []
    place = "mmf_core.rollouts.controller.os.kill"
    monkeypatch.setattr(place, lambda _, number: signals.append(number))
    return signals


def plan(**entries: Any) -> Plan:
    steps = {"steps": entries.pop("steps")} if "steps" in entries else {}
    return of({"candidate": {"name": "v2", "artifacts": {"model": "new"}} | entries} | steps)


LOADED: list[Rollout] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Close what the rollouts of a test have opened."""
    yield
    while LOADED:
        mirror = LOADED.pop().mirror
        mirror._receiver.close()
        mirror._sender.close()


def load(plan: Plan, before: Rollout | None = None, stable: str = "v1") -> Rollout:
    assert plan.candidate is not None
    key, checksums = state.key_of(plan.candidate), state.checksums_of(plan.candidate)
    LOADED.append(Rollout(plan, key, mmf.Registry(), stable, before, checksums))
    return LOADED[-1]


def followed(rollout: Rollout, file: Path) -> Controller:
    """Return another worker's controller after its first update."""
    made = Controller(rollout, file, may_reload=True)
    made.update()
    return made


def fail(rollout: Rollout, count: int = 200) -> None:
    for _ in range(count):
        rollout.counters.add_call(STABLE, 0.001, failed=False)
        rollout.counters.add_call(CANDIDATE, 0.001, failed=True)


def test_last_valid_plan_stays_in_force_in_another_worker(file: Path) -> None:
    first = plan(traffic=20, mirror=5)
    write(first, file)
    rollout = load(first)
    followed(rollout, file)
    changes.set_shares(file, traffic=40)
    followed(rollout, file)
    assert rollout.counters.traffic == 40
    file.write_text("[broken")
    followed(rollout, file)
    assert (rollout.counters.traffic, rollout.counters.mirror) == (40, 5)
    assert rollout.counters.is_offered
    last = followed(rollout, file)
    fail(rollout)
    for _ in range(BREACHES):
        last.update()
    assert rollout.counters.traffic == 0, "its gates are in force, too"


def test_rollback_lasts_without_a_writable_disk(file: Path) -> None:
    state.path_of(file).mkdir()
    write(plan(traffic=40), file)
    rollout = load(plan(traffic=40))
    first = followed(rollout, file)
    fail(rollout)
    for _ in range(BREACHES):
        first.update()
    assert rollout.counters.traffic == 0
    followed(rollout, file)
    assert rollout.counters.traffic == 0
    assert rollout.status.read()["status"].startswith("errors: ")
    state.path_of(file).rmdir()
    changes.begin(file, {"candidate": {"name": "v2", "artifacts": {"model": "new"}, "traffic": 30}})
    first.update()
    assert rollout.counters.traffic == 30, "restarted"
    assert rollout.status.read()["status"] == RUNNING


def test_candidate_that_was_rolled_back_is_neither_promoted_nor_changed(file: Path) -> None:
    document = {"candidate": {"name": "v2", "artifacts": {"model": "new"}, "traffic": 40}}
    changes.begin(file, document)
    rollout = load(plan(traffic=40))
    first = followed(rollout, file)
    fail(rollout)
    for _ in range(BREACHES):
        first.update()
    with pytest.raises(changes.NoRollout, match=r"v2 was rolled back: errors: .* rollout start"):
        changes.promote(file)
    with pytest.raises(changes.NoRollout, match="v2 was rolled back"):
        changes.set_shares(file, traffic=60)
    first.update()
    assert rollout.counters.traffic == 0
    assert (file.parent / "model").read_text() == "old"
    changes.begin(file, document)
    first.update()
    changes.promote(file)
    assert (file.parent / "model").read_text() == "new"


def test_nothing_is_promoted_if_a_file_is_missing(file: Path) -> None:
    (file.parent / "names").write_text("old")
    files = {"model": "new", "names": "missing"}
    changes.begin(file, {"candidate": {"name": "v2", "artifacts": files, "traffic": 40}})
    with pytest.raises(changes.NoRollout, match="missing: no such file"):
        changes.promote(file)
    assert (file.parent / "model").read_text() == "old"
    assert not list(file.parent.glob("*.old-*")), "nor is anything backed up"


def status() -> str:
    return CliRunner().invoke(commands.status).output


def test_candidate_that_is_not_served_is_reported_and_not_promoted(file: Path) -> None:
    document = {"candidate": {"name": "v2", "artifacts": {"model": "new"}, "traffic": 40}}
    changes.begin(file, document)
    text = "the service has not loaded these files"
    assert f"not served: {text}" in status()
    with pytest.raises(changes.NoRollout, match=f"v2 is not served: {text}"):
        changes.promote(file)
    followed(load(plan(traffic=40)), file)
    assert "step 1, 40 %, for 0 seconds" in status()
    (file.parent / "new").unlink()
    assert f"not served: {text}" in status()
    reject()
    assert "not served: new: no such file" in status()
    (file.parent / "new").write_text("of another size")
    assert f"not served: {text}" in status()
    with pytest.raises(changes.NoRollout, match=f"v2 is not served: {text}"):
        changes.promote(file)
    assert (file.parent / "model").read_text() == "old"


def reject() -> None:
    """Reload a service whose candidate cannot be loaded."""
    stable = mmf.Registry()
    stable.artifact("model")
    with pytest.raises(CandidateError), service.reimporting([]):
        service.executions("main", stable, {}, lambda _: cast("Execution", None))


def test_rollback_lasts_when_a_reload_fails(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(plan(traffic=40), file)
    first = followed(rollout := load(plan(traffic=40)), file)
    fail(rollout)
    for _ in range(BREACHES):
        first.update()
    monkeypatch.setattr(candidate, "_try", lambda *_: Failure.plain("broken"))
    reject()
    assert state.read(state.path_of(file), rollout.key).failed == "broken"
    assert "rolled back: errors: " in status()


def test_file_that_has_changed_unnoticed_is_not_promoted(file: Path) -> None:
    """Its size and time are the same; every file is checked before the first is replaced."""
    files = {"names": "names.new", "model": "new"}
    for name in ("names", "names.new"):
        (file.parent / name).write_text(name)
    changes.begin(file, {"candidate": {"name": "v2", "artifacts": files, "traffic": 40}})
    loaded = load(read(file))
    followed(loaded, file)
    new = file.parent / "new"
    times = new.stat().st_atime_ns, new.stat().st_mtime_ns
    new.write_text("bad")
    os.utime(new, ns=times)
    with pytest.raises(changes.NoRollout, match="new has changed since the service loaded it"):
        changes.promote(file)
    assert sorted(each.name for each in file.parent.iterdir()) == sorted(
        ["model", "new", "names", "names.new", "rollout.toml", ".rollout.toml.state"]
    )
    assert (file.parent / "names").read_text() == "names"
    new.write_text("new")
    os.utime(new, ns=times)
    changes.promote(file)
    assert (file.parent / "names").read_text() == "names.new"


def test_candidate_that_changes_while_it_is_loaded_is_not_served(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_meanwhile(*_: object) -> mmf.Registry:
        (file.parent / "new").write_text("another")
        return mmf.Registry()

    monkeypatch.setattr(service, "load", load_meanwhile)
    write(plan(traffic=20), file)
    with (
        pytest.raises(CandidateError, match="changed while they were loaded"),
        service.reimporting([]),
    ):
        service.executions("main", mmf.Registry(), {}, lambda _: cast("Execution", None))


@pytest.mark.parametrize("how", ["abort", "removed", "another", "kept", "other error"])
def test_reload_that_a_candidate_made_fail_is_repeated_without_it(
    file: Path, reloads: list[int], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The readiness reported the failure until the next reload."""
    error = SharedText()
    monkeypatch.setattr(default, "last_reload_error", error)
    write(plan(traffic=40), file)
    rollout = load(plan(traffic=40))
    first = followed(rollout, file)
    name = {"another": "v3"}.get(how, "v2")
    text = f"the candidate {name} is not loaded: new: no such file"
    error.write(failed="main.py is broken" if how == "other error" else text, at="now")
    if how == "abort":
        changes.abort(file)
    elif how in {"removed", "other error"}:
        file.unlink()
    for _ in range(3):
        first.update()
    assert len(reloads) == (how not in {"kept", "other error"})


def test_figures_of_a_step_outlive_the_worker_that_checks_them(file: Path) -> None:
    """A candidate that ends its workers also ends those that would roll it back."""
    write(plan(traffic=40), file)
    rollout = load(plan(traffic=40))
    for _ in range(BREACHES + 1):
        followed(rollout, file)
        fail(rollout, 20)
    assert rollout.counters.is_offered
    for _ in range(BREACHES):
        followed(rollout, file)
    assert rollout.status.read()["status"].startswith("errors: ")
    assert not rollout.counters.is_offered


def test_steps_continue_without_a_writable_disk(file: Path) -> None:
    state.path_of(file).mkdir()
    steps = {"traffic": [10, 50], "minutes": 1e-9, "requests": 1}
    write(plan(steps=steps), file)
    rollout = load(plan(steps=steps))
    first = followed(rollout, file)
    rollout.counters.add_call(CANDIDATE, 0.001, failed=False)
    first.update()
    first.update()
    assert rollout.counters.traffic == 50
    followed(rollout, file)
    assert rollout.counters.traffic == 50


@pytest.mark.parametrize("seconds", [1e9, -1e9])
def test_step_lasts_its_time_when_the_clock_jumps(
    seconds: float, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = {"traffic": [10, 50], "minutes": 60, "requests": 1}
    write(plan(steps=steps), file)
    rollout = load(plan(steps=steps))
    first = followed(rollout, file)
    rollout.counters.add_call(CANDIDATE, 0.001, failed=False)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)
    first.update()
    followed(rollout, file)
    assert rollout.counters.traffic == 10
    assert rollout.status.read()["status"] == RUNNING


def test_another_file_under_the_same_name_is_loaded_once(file: Path, reloads: list[int]) -> None:
    started = plan(traffic=40)
    write(started, file)
    rollout = load(started)
    first = followed(rollout, file)
    assert (rollout.counters.traffic, reloads) == (40, [])
    (file.parent / "new").write_text("another")
    write(started, file)
    for _ in range(3):
        first.update()
    assert rollout.counters.traffic == 0
    assert len(reloads) == 1
    again = load(started, rollout)
    assert again.counters is not rollout.counters
    followed(again, file)
    assert again.counters.traffic == 40


def test_file_may_be_removed_once_it_is_loaded(file: Path, reloads: list[int]) -> None:
    write(plan(traffic=40), file)
    rollout = load(plan(traffic=40))
    followed(rollout, file)
    (file.parent / "new").unlink()
    followed(rollout, file)
    assert (rollout.counters.traffic, reloads) == (40, [])


def test_promoted_version_is_served_after_its_file_has_changed(
    file: Path, reloads: list[int]
) -> None:
    write(plan(traffic=40), file)
    rollout = load(plan(traffic=40))
    first = followed(rollout, file)
    changes.promote(file)
    (file.parent / "new").write_text("another")
    first.update()
    assert (rollout.counters.traffic, reloads) == (100, [])
    assert rollout.status.read()["status"] == PROMOTED


def test_reload_keeps_the_shares_of_the_same_candidate(file: Path) -> None:
    write(plan(traffic=40), file)
    rollout = load(plan(traffic=40))
    followed(rollout, file)
    same = load(plan(traffic=40), rollout)
    assert same.counters is rollout.counters
    assert same.status is rollout.status
    other_stable = load(plan(traffic=40), rollout, stable="v3")
    assert other_stable.counters.traffic == 40
    assert other_stable.counters.is_offered
    assert other_stable.counters.calls(STABLE) == Counters().calls(STABLE)
    (file.parent / "new").write_text("another")
    assert load(plan(traffic=40), rollout).counters.traffic == 0


def test_aborted_candidate_is_not_reported_as_running(file: Path) -> None:
    write(plan(traffic=40), file)
    rollout = load(plan(traffic=40))
    first = followed(rollout, file)
    changes.abort(file)
    first.update()
    assert rollout.status.read()["status"] == ABORTED
    assert not rollout.counters.is_offered


def test_invalid_plan_can_be_aborted(file: Path) -> None:
    file.write_text("[broken")
    changes.abort(file)
    assert read(file) == Plan()
    with pytest.raises(changes.NoRollout):
        changes.abort(file)


def test_name_of_a_promoted_version_cannot_be_reused(file: Path) -> None:
    document = {"candidate": {"name": "v2", "artifacts": {"model": "new"}, "traffic": 30}}
    changes.begin(file, document)
    followed(load(plan(traffic=30)), file)
    changes.promote(file)
    with pytest.raises(changes.NoRollout, match="v2 is already promoted"):
        changes.begin(file, document)
    document["candidate"]["name"] = "v3"
    assert changes.begin(file, document).candidate


@pytest.mark.parametrize(("stable", "name"), [("", "stable"), ("v2", "v2")])
def test_versions_must_have_different_names(stable: str, name: str) -> None:
    registry = mmf.Registry()
    registry.version = stable
    with pytest.raises(CandidateError, match=f"{name}: the current version has this name"):
        candidate.load(Candidate(name=name, main="other.py"), "main", registry)


@pytest.mark.parametrize(
    "document",
    [
        {"step": math.inf, "seconds": 0, "ended": ""},
        {"step": "x", "seconds": 0, "ended": ""},
        {"step": 1, "seconds": {}, "ended": ""},
        {},
        [],
    ],
)
def test_invalid_state_starts_over(file: Path, document: Any) -> None:
    path = state.path_of(file)
    text = json.dumps({"candidate": "key", **document} if isinstance(document, dict) else document)
    path.write_text(text.replace("Infinity", "1e400"))
    assert state.read(path, "key") == state.State()


def test_call_that_ends_its_process_has_failed() -> None:
    counters = Counters()
    for ends in (False, True, True):
        if not (child := os.fork()):
            counters.begin_call()
            if not ends:
                counters.end_call()
                counters.add_call(CANDIDATE, 0.001, failed=False)
            os._exit(0)
        os.waitpid(child, 0)
    counters.add_call(STABLE, 0.001, failed=False)  # as does the worker that replaces it
    calls = counters.calls(CANDIDATE)
    assert (calls.count, calls.failed) == (3, 2)
    assert counters.calls(STABLE).failed == 0


class Unpickleable:
    """A result that cannot be copied."""

    def __reduce__(self) -> Any:
        raise RuntimeError("not copied")


def test_result_that_cannot_be_copied_fails_no_caller() -> None:
    counters = Counters()
    copies = Mirror(counters)
    copies.send("predict", copies.pickled({"x": 1}), Unpickleable())
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    copies.send("predict", copies.pickled({"x": 1}), deep)
    assert counters.copies().dropped == 2
    copies._receiver.close()
    copies._sender.close()


@pytest.fixture
def gate() -> Iterator[str]:
    """Return the URL of a gate whose response is not HTTP."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(b"no such thing\r\n\r\n")

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_gate_with_an_invalid_response_is_closed(gate: str) -> None:
    assert not gates.UrlGate().is_open(gate)


@pytest.fixture
def slow_gate() -> Iterator[tuple[str, threading.Event]]:
    """Return the URL of a gate whose response arrives slowly, until the event is set."""
    may_end = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not may_end.wait(0.05):
                self.wfile.write(b"X-Slow: 1\r\n")
            self.wfile.write(b"\r\n")

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", may_end
        may_end.set()
        server.shutdown()


def test_slow_gate_holds_the_step_and_nothing_else(
    file: Path, slow_gate: tuple[str, threading.Event]
) -> None:
    url, may_end = slow_gate
    waiting = replace(
        plan(steps={"traffic": [10, 50], "minutes": 1e-9, "requests": 1}), gates=Gates(url=url)
    )
    write(waiting, file)
    rollout = load(waiting)
    first = followed(rollout, file)
    rollout.counters.add_call(CANDIDATE, 0.001, failed=False)
    started = time.monotonic()
    first.update()
    assert time.monotonic() - started < 2
    assert rollout.counters.traffic == 10
    may_end.set()
    time.sleep(0.3)
    first.update()
    assert rollout.counters.traffic == 50
    may_end.clear()
    changes.abort(file)
    first.update()
    assert not rollout.counters.is_offered


def test_reload_that_fails_names_the_candidate(file: Path) -> None:
    write(plan(traffic=20), file)
    (file.parent / "new").unlink()
    stable = mmf.Registry()
    stable.artifact("model")
    with (
        pytest.raises(CandidateError, match="the candidate v2 is not loaded: new: no such file"),
        service.reimporting([]),
    ):
        service.executions("main", stable, {}, lambda _: cast("Execution", None))


def test_message_of_a_candidates_exception_is_only_logged(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The readiness needs no token."""
    failure = Failure("score fails on its example: RuntimeError", "RuntimeError: a secret")
    monkeypatch.setattr(candidate, "_try", lambda *_: failure)
    write(plan(traffic=20), file)
    stable = mmf.Registry()
    stable.artifact("model")
    with pytest.raises(CandidateError, match="a secret") as caught, service.reimporting([]):
        service.executions("main", stable, {}, lambda _: cast("Execution", None))
    assert Failure.of(caught.value).public == (
        "the candidate v2 is not loaded: score fails on its example: RuntimeError"
    )


def test_profile_goes_with_its_file(file: Path) -> None:
    """The current version's profile is not the candidate's."""
    stable, (model, new) = mmf.Registry(), (profile_of(Path(name)) for name in ("model", "new"))
    stable.artifact("model")
    model.write_text("of the old one")
    second = Candidate(name="v2", artifacts={"model": "new"})
    assert not (candidate._folder_of(second, stable) / model).exists()
    new.write_text("of the new one")
    folder = candidate._folder_of(second, stable)
    assert (folder / model).read_text() == "of the new one"
    assert (folder / "model").read_text() == "new"
    assert file.parent == Path.cwd()


def test_folders_of_discarded_forks_are_removed(file: Path) -> None:
    stable = mmf.Registry()
    stable.artifact("model")
    second = Candidate(name="v2", artifacts={"model": "new"})
    reader, writer = os.pipe()
    if not (child := os.fork()):
        os.write(writer, bytes(candidate._folder_of(second, stable)))
        os._exit(0)
    os.waitpid(child, 0)
    left = Path(os.read(reader, 1_000).decode())
    assert left.is_dir()
    candidate._remove_folders()
    assert not left.exists()
    assert file.parent.is_dir()


def test_time_of_a_copy_excludes_waiting_for_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A busy machine does not roll a silent candidate back."""
    counters = Counters()
    copies = Mirror(counters)
    waited = iter([3.0, 3.4])
    monkeypatch.setattr(mirror, "_waited", lambda: next(waited))

    def predict(_: object) -> int:
        time.sleep(0.45)
        return 1

    values = copies.pickled({})
    assert values is not None
    copies._handle({"predict": cast(Execution, predict)}, ("predict", values, 1))
    assert counters.calls(CANDIDATE).quantile(0.95) < 0.2
    assert counters.copies() == Copies(compared=1)
    copies._receiver.close()
    copies._sender.close()


def test_waiting_time_of_a_process_is_measured() -> None:
    assert 0 <= mirror._waited() <= time.monotonic()
