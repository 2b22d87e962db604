"""The fork check: every target is called in a forked process and in the one that loaded it.

Tests really fork, except those that state the results of the calls.
"""

# ruff: noqa: B008 - a target's arguments and their descriptors

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Pipe
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread, get_ident
from typing import Any

import click
import numpy as np
import psutil
import pytest
from click.testing import CliRunner, Result

import mmf_core as mmf
from baking import PAYLOAD
from mmf_core.cli import main
from mmf_core.example_calls import CallResult, CallStatus, call, forks
from mmf_core.example_calls.forks import report
from mmf_core.project_check import fork_check
from mmf_core.project_check.fork_check import REMEDY, Verdict, check, judge
from mmf_core.registry import default

LONG = 20.0  # seconds: no test waits this long
SHORT = 2.0  # seconds: every hanging call takes this long
SUCCESS, OTHER = CallResult(CallStatus.OK, b"1"), CallResult(CallStatus.OK, b"2")
FAILED, LATE = CallResult(CallStatus.FAILED, b"ValueError: no"), CallResult(CallStatus.TIMEOUT)
REJECTED = CallResult(CallStatus.REJECTED, b"InvalidValue: no")
DOWN = CallResult(CallStatus.UNAVAILABLE, b"Unavailable: no response")


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    """Check that every forked process has ended and been waited for; other tests keep servers."""
    before = psutil.Process().children()
    yield
    assert psutil.Process().children() == before


@pytest.fixture
def registry() -> mmf.Registry:
    """Return a new, empty registry."""
    return mmf.Registry()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat a call without a pause."""
    monkeypatch.setattr(fork_check, "REPEAT_AFTER", 0.0)


def verdicts(registry: mmf.Registry, seconds: float = LONG) -> dict[str, Verdict]:
    return {route: verdict for route, (verdict, _) in check(registry, seconds).items()}


# Declared and guessed examples


@pytest.mark.parametrize(
    ("options", "verdict", "reason"),
    [
        (
            {},
            Verdict.UNKNOWN,
            "its example is a guess that it rejects; write example= in main.py: ",
        ),
        ({"example": {"name": "Kazan"}}, Verdict.BROKEN, ""),
    ],
    ids=["guess", "author's"],
)
def test_only_a_guessed_example_may_be_rejected(
    registry: mmf.Registry, options: dict[str, Any], verdict: Verdict, reason: str
) -> None:
    @registry.target(returns=mmf.String(), **options)
    def city(name: Any = mmf.String()) -> Any:
        raise mmf.InvalidValue(f"not a city: {name}")

    name = "Kazan" if options else "text"
    expected = (verdict, f"{reason}InvalidValue: not a city: {name}")
    assert check(registry, LONG) == {"city": expected}


# Safe targets


def test_results_of_every_kind_are_safe(registry: mmf.Registry) -> None:
    @registry.target(returns=mmf.DataFrame(format=mmf.XLSX))
    def table(data: Any = mmf.DataFrame(schema={"a": float, "b": str})) -> Any:
        return data.assign(c=1)

    @registry.target(returns=mmf.Img())
    def picture(photo: Any = mmf.Img(format="gray")) -> Any:
        return photo

    @registry.target(returns=mmf.Array())
    def array(data: Any = mmf.Array(), times: Any = mmf.Integer(default=2)) -> Any:
        return data * times

    @registry.target(returns=mmf.File())
    def file(data: Any = mmf.File(), tree: Any = mmf.JsonFile()) -> Any:
        return data * len(tree)

    @registry.target(returns=mmf.Datetime(), batch=False, timeout=LONG, max_concurrency=1)
    def moment(when: Any = mmf.Datetime()) -> Any:
        return when

    @registry.target
    def nothing() -> None: ...

    assert set(verdicts(registry).values()) == {Verdict.SAFE}
    assert list(check(registry, LONG)) == ["table", "picture", "array", "file", "moment", "nothing"]


def test_multithreaded_forest_is_safe(registry: mmf.Registry) -> None:
    from sklearn.ensemble import RandomForestClassifier

    @registry.artifact("forest.joblib")
    def forest() -> Any:
        features = np.arange(40.0).reshape(20, 2)
        classifier = RandomForestClassifier(8, n_jobs=2, random_state=0)
        return classifier.fit(features, features[:, 0] > 20)

    @registry.target(returns=mmf.Array(), batch=True)
    def score(data: Any = mmf.Array()) -> Any:
        return forest.predict_proba(data)

    assert verdicts(registry) == {"score": Verdict.SAFE}


def test_state_kept_between_calls_is_safe(registry: mmf.Registry) -> None:
    """Both processes make the same calls in the same order."""
    calls: list[str] = []

    @registry.target(returns=mmf.Integer())
    def count(text: Any = mmf.String()) -> int:
        calls.append(text)
        return len(calls)

    @registry.target(returns=mmf.String())
    def latest() -> str:
        return calls[-1] if calls else "none"

    assert set(verdicts(registry).values()) == {Verdict.SAFE}
    assert calls == ["text"], "called once where nothing differs, and never before the fork"


def test_parent_calls_nothing_before_the_last_fork(
    registry: mmf.Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    fork = os.fork
    monkeypatch.setattr(os, "fork", lambda: happened.append("fork") or fork())

    @registry.target(returns=mmf.String())
    def score() -> str:
        happened.append("call")
        return "done"

    @registry.target
    def ends() -> None:
        if os.getpid() != home:
            os._exit(3)

    @registry.artifact("early")
    def early() -> str:
        return happened.append("early") or "early"

    @registry.artifact("late", preload=False)
    def late() -> str:
        return happened.append("late") or "late"

    home = os.getpid()
    registry.target(returns=mmf.String())(lambda_named("again"))
    check(registry, LONG)
    assert happened == ["early", "fork", "fork", "late", "call"]


def lambda_named(name: str) -> Callable[[], str]:
    def function() -> str:
        return name

    function.__name__ = name
    return function


# Unsafe targets


def waiting_for_a_thread(registry: mmf.Registry, *, preload: bool) -> None:
    """Declare a target whose artifact works in a background thread."""

    @registry.artifact("engine", preload=preload)
    def engine() -> SimpleQueue[tuple[str, SimpleQueue[str]]]:
        work: SimpleQueue[tuple[str, SimpleQueue[str]]] = SimpleQueue()

        def serve() -> None:
            while True:
                text, result = work.get()
                result.put(text.upper())

        Thread(target=serve, daemon=True).start()
        return work

    @registry.target(returns=mmf.String())
    def shout(text: Any = mmf.String()) -> str:
        result: SimpleQueue[str] = SimpleQueue()
        engine.put((text, result))
        return result.get()


def test_thread_of_an_artifact_is_lost(registry: mmf.Registry) -> None:
    waiting_for_a_thread(registry, preload=True)

    @registry.target(returns=mmf.Integer())
    def after() -> int:
        return 1

    assert verdicts(registry, SHORT) == {"shout": Verdict.HANGS, "after": Verdict.SAFE}


def test_preload_false_is_a_remedy(registry: mmf.Registry) -> None:
    waiting_for_a_thread(registry, preload=False)
    assert verdicts(registry) == {"shout": Verdict.SAFE}


def test_lock_held_during_the_fork(registry: mmf.Registry) -> None:
    """It hangs while loading, which the time limit covers, too."""
    lock, never = Lock(), Event()

    @registry.artifact("connection")
    def connection() -> Lock:
        held = Event()

        def hold() -> None:
            with lock:
                held.set()
                never.wait(SHORT * 1.5)

        Thread(target=hold, daemon=True).start()
        held.wait()
        return lock

    @registry.artifact("rest", preload=False)
    def rest() -> bool:
        with lock:
            return True

    @registry.target(returns=mmf.Bool())
    def ask() -> bool:
        with connection:
            return bool(rest)

    assert verdicts(registry, SHORT) == {"ask": Verdict.HANGS}


def test_code_that_holds_the_gil_is_killed(registry: mmf.Registry) -> None:
    """No other thread of the process can run, so it cannot end itself."""
    home = os.getpid()

    @registry.target(returns=mmf.Bool())
    def stuck() -> bool:
        if os.getpid() != home:
            os.kill(os.getpid(), signal.SIGSTOP)
        return True

    assert verdicts(registry, SHORT) == {"stuck": Verdict.HANGS}


def test_shorter_target_timeout_is_used(registry: mmf.Registry) -> None:
    home = os.getpid()

    @registry.target(timeout=1.0)
    def hang() -> None:
        if os.getpid() != home:
            Event().wait(LONG)

    @registry.target
    def after() -> None: ...

    started = time.monotonic()
    assert verdicts(registry) == {"hang": Verdict.HANGS, "after": Verdict.SAFE}
    assert time.monotonic() - started < LONG


@pytest.mark.usefixtures("at_once")
def test_artifact_that_stores_its_pid(registry: mmf.Registry) -> None:
    @registry.artifact("home")
    def home() -> list[int]:
        return [os.getpid()]

    @registry.target(returns=mmf.Bool())
    def at_home() -> bool:
        return home[0] == os.getpid()

    assert verdicts(registry) == {"at_home": Verdict.DIFFERS}


@pytest.mark.parametrize(
    ("fail", "reason"),
    [
        (lambda: {}["device"], "KeyError: 'device'"),
        (lambda: int("two\nlines"), r"ValueError: invalid literal for int() with base 10: "),
        (lambda: sys.exit("no device"), "SystemExit: no device"),
        (lambda: os._exit(3), "the process ended, exit code 3"),
        (lambda: os._exit(0), "the process ended, exit code 0"),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), "the process ended, SIGTERM"),
    ],
    ids=["raises", "lines", "exits", "ends", "ends well", "is killed"],
)
@pytest.mark.usefixtures("at_once")
def test_failure_only_in_a_fork(
    registry: mmf.Registry, fail: Callable[[], Any], reason: str
) -> None:
    home = os.getpid()

    @registry.target(returns=mmf.Bool())
    def score() -> bool:
        if os.getpid() != home:
            fail()
        return True

    @registry.target
    def after() -> None: ...

    results = check(registry, LONG)
    assert results["score"][0] is Verdict.FAILS
    assert results["score"][1].startswith(reason)
    assert results["after"] == (Verdict.SAFE, "")


@pytest.mark.usefixtures("at_once")
def test_artifact_that_fails_to_load_in_a_fork(registry: mmf.Registry) -> None:
    home = os.getpid()

    @registry.artifact("device", preload=False)
    def device() -> bool:
        if os.getpid() != home:
            raise RuntimeError("no device in a fork")
        return True

    @registry.target(returns=mmf.Bool())
    def score() -> bool:
        return bool(device)

    ((verdict, reason),) = check(registry, LONG).values()
    assert verdict is Verdict.FAILS
    assert reason == "ArtifactError: device cannot be loaded: RuntimeError: no device in a fork"


# Failures that the fork does not cause


@pytest.mark.usefixtures("at_once")
def test_random_results_are_not_blamed_on_the_fork(registry: mmf.Registry) -> None:
    @registry.target(returns=mmf.Float())
    def dice() -> float:
        return random.random()

    @registry.target(returns=mmf.Float())
    def failing_dice() -> float:
        raise ValueError(random.random())

    results = verdicts(registry)
    assert results == {"dice": Verdict.VARIES, "failing_dice": Verdict.BROKEN}


def test_clock_results_are_not_blamed_on_the_fork(registry: mmf.Registry) -> None:
    @registry.target(returns=mmf.Integer())
    def seconds() -> int:
        return int(time.time()) - (os.getpid() != home)

    home = os.getpid()
    assert verdicts(registry) == {"seconds": Verdict.VARIES}


def test_timeout_in_the_parent_is_not_blamed_on_the_fork(registry: mmf.Registry) -> None:
    ended = Event()

    @registry.target
    def slow() -> None:
        ended.wait(LONG)

    assert verdicts(registry, 0.3) == {"slow": Verdict.UNKNOWN}
    ended.set()


def test_thread_bound_objects_fail_in_the_parent_too(registry: mmf.Registry) -> None:
    """The service's workers call in threads, so both calls are made in one."""

    @registry.artifact("base")
    def base() -> sqlite3.Connection:
        return sqlite3.connect(":memory:")

    @registry.target(returns=mmf.Bool())
    def threaded() -> bool:
        return get_ident() != loader

    @registry.target(returns=mmf.Integer())
    def ask() -> Any:
        return base.execute("SELECT 1").fetchone()[0]

    loader = get_ident()
    results = check(registry, LONG)
    assert call(registry.targets["threaded"], LONG) == CallResult(CallStatus.OK, b'{"result":true}')
    assert results["threaded"] == (Verdict.SAFE, "")
    assert results["ask"][0] is Verdict.BROKEN
    assert "ProgrammingError" in results["ask"][1]
    base.close()


def test_example_rejected_by_the_target(registry: mmf.Registry) -> None:
    @registry.target(returns=mmf.Dict())
    def explain(wine: Any = mmf.Dict()) -> Any:
        raise mmf.InvalidValue(f"alcohol is missing, not {list(wine)}")

    ((verdict, reason),) = check(registry, LONG).values()
    assert verdict is Verdict.UNKNOWN
    assert "InvalidValue: alcohol is missing, not ['name']" in reason
    assert not verdict.blames_fork


@pytest.mark.parametrize(
    ("forked", "here", "again", "verdict"),
    [
        (SUCCESS, SUCCESS, [], Verdict.SAFE),
        (SUCCESS, OTHER, [OTHER] * fork_check.REPEATS, Verdict.DIFFERS),
        (SUCCESS, OTHER, [OTHER, OTHER, SUCCESS], Verdict.VARIES),
        (SUCCESS, OTHER, [FAILED], Verdict.VARIES),
        (SUCCESS, FAILED, [], Verdict.BROKEN),
        (REJECTED, REJECTED, [], Verdict.UNKNOWN),
        (SUCCESS, LATE, [], Verdict.UNKNOWN),
        (FAILED, SUCCESS, [SUCCESS] * fork_check.REPEATS, Verdict.FAILS),
        (FAILED, SUCCESS, [SUCCESS, FAILED], Verdict.VARIES),
        (FAILED, FAILED, [], Verdict.BROKEN),
        (FAILED, LATE, [], Verdict.UNKNOWN),
        (LATE, SUCCESS, [], Verdict.HANGS),
        (LATE, FAILED, [], Verdict.HANGS),
        (LATE, LATE, [], Verdict.UNKNOWN),
        (SUCCESS, DOWN, [], Verdict.UNKNOWN),
        (DOWN, SUCCESS, [], Verdict.UNKNOWN),
    ],
)
@pytest.mark.usefixtures("at_once")
def test_verdicts(
    forked: CallResult, here: CallResult, again: list[CallResult], verdict: Verdict
) -> None:
    rest = iter(again)
    assert judge(forked, here, lambda: next(rest))[0] is verdict
    assert list(rest) == [], "as often as needed"


# The forked process itself


def test_fork_reports_until_a_call_hangs(
    registry: mmf.Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run the code of the forked process here."""
    alarms: list[int] = []
    monkeypatch.setattr(signal, "alarm", alarms.append)
    ended = Event()

    @registry.target(returns=mmf.String())
    def good() -> str:
        return "é"

    @registry.target
    def bad() -> None:
        raise ValueError("\udc80")

    @registry.target
    def slow() -> None:
        ended.wait(LONG)

    @registry.target
    def never() -> None: ...

    reader, writer = Pipe(duplex=False)
    with reader, writer:
        report(registry, list(registry.targets.values()), 1.0, writer)
        messages = [reader.recv_bytes() for _ in range(3)]
        assert not reader.poll()
    ended.set()
    assert messages == ['O{"result":"é"}'.encode(), rb"FValueError: \udc80", b"T"]
    assert alarms == [1 + forks.ORPHAN_TIMEOUT] * 3


def test_fork_reports_invalid_artifact(
    registry: mmf.Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "alarm", lambda _: None)

    @registry.artifact("device")
    def device() -> None:
        raise RuntimeError("absent")

    registry.target(lambda_named("score"))
    reader, writer = Pipe(duplex=False)
    with reader, writer:
        report(registry, list(registry.targets.values()), LONG, writer)
        assert reader.recv_bytes().startswith(b"FArtifactError: device cannot be loaded")


def test_large_result_is_transferred(registry: mmf.Registry) -> None:
    @registry.target(returns=mmf.File())
    def large() -> bytes:
        return bytes(5_000_000)

    assert verdicts(registry) == {"large": Verdict.SAFE}


def test_results_are_compared_in_their_response_format(registry: mmf.Registry) -> None:
    @registry.target(returns=mmf.DataFrame(format=mmf.PARQUET))
    def odd(data: Any = mmf.DataFrame()) -> Any:
        return data.assign(odd=b"\0")

    result = call(registry.targets["odd"], LONG)
    assert result.status is CallStatus.OK
    assert result.content.startswith(b"PAR1")


# The command

MAIN = """
import os
import mmf_core as mmf

HOME = os.getpid()


@mmf.target(returns=mmf.String())
def good():
    return "good"


@mmf.target(returns=mmf.Bool())
def bad():
    return os.getpid() == HOME
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder and an empty default registry."""
    monkeypatch.setattr(fork_check, "_exit", sys.exit)  # other tests' threads may go on here
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(default, "targets", {})
    monkeypatch.setattr(default, "artifacts", {})
    monkeypatch.delitem(sys.modules, "main", raising=False)
    monkeypatch.delitem(sys.modules, "mmf_meta", raising=False)
    return tmp_path


def run(source: str, *options: str) -> Result:
    Path("main.py").write_text(source, encoding="utf-8")
    result = CliRunner().invoke(main, ["check-fork", "main", *options])
    sys.modules.pop("main", None)
    return result


@pytest.mark.usefixtures("project", "at_once")
def test_every_target_is_reported_with_a_remedy() -> None:
    result = run(MAIN)
    assert result.exit_code == 1
    first, second = result.stdout.splitlines()
    assert first == "  good: safe"
    assert second.startswith("  bad: differs: ")
    assert result.stderr == f"Error: the fork breaks bad: {REMEDY}\n"
    assert "preload=False" in REMEDY


@pytest.mark.usefixtures("project")
def test_valid_project_exits_with_0() -> None:
    result = run(MAIN.replace("os.getpid() == HOME", "True"))
    assert (result.exit_code, result.output) == (0, "  good: safe\n  bad: safe\n")


@pytest.mark.usefixtures("project")
def test_failing_target_is_an_error_with_a_one_line_reason() -> None:
    result = run(MAIN.replace("os.getpid() == HOME", "1 / 0"))
    assert result.exit_code == 1
    assert result.stdout == (
        "  good: safe\n  bad: fails on its example: ZeroDivisionError: division by zero\n"
    )
    assert result.stderr == "Error: bad cannot predict: see above\n"


@pytest.mark.usefixtures("project")
def test_missing_artifact_is_reported_in_one_line() -> None:
    result = run(MAIN + "\nmmf.artifact('model.joblib')\n")
    assert result.exit_code == 1
    assert result.output.startswith("Error: model.joblib not found")


@pytest.mark.usefixtures("project")
def test_system_without_fork_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    result = run(MAIN)
    assert result.exit_code == 0
    assert result.output == "not checked: this system cannot fork\n"


@pytest.mark.parametrize("seconds", ["0", "nan", "-1", "1e9", "100000"])
@pytest.mark.usefixtures("project")
def test_invalid_timeout(seconds: str) -> None:
    assert run(MAIN, "--timeout", seconds).exit_code == 2


def test_command_is_hidden() -> None:
    assert "check-fork" not in CliRunner().invoke(main, ["--help"]).output
    assert main.get_command(click.Context(main), "check-fork")


ORPHAN = """
import os, signal, time
import mmf_core as mmf
from mmf_core.example_calls import forks
from mmf_core.project_check.fork_check import check

forks.ORPHAN_TIMEOUT = 1
registry, home = mmf.Registry(), os.getpid()


@registry.target
def hang():
    if os.getpid() != home:
        print(os.getpid(), flush=True)
    time.sleep(60)


check(registry, {seconds})
"""


def test_orphaned_fork_exits() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN.format(seconds=1)],
        env=os.environ | {"PYTHONPATH": str(PAYLOAD)},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        int(process.stdout.readline())
        process.kill()
        assert process.stdout.read() == b"", "the pipe is closed when the last process has ended"


def test_ctrl_c_ends_the_fork() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN.format(seconds=60)],
        env=os.environ | {"PYTHONPATH": str(PAYLOAD)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        # Python loses an interrupt that arrives during the fork itself; one that arrives while the
        # fork is being ended would leave it running.
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=10)
                break
        has_ended = process.poll() is not None
        process.kill()
        assert has_ended
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
