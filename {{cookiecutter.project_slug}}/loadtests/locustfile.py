"""The load test for locust: users who ask everything that the service says it answers.

`make load` starts the service and runs this without a page; `locust` alone opens the page, with
what pyproject.toml says filled in.
"""

import sys
from collections.abc import Callable
from typing import Any

import gevent
from locust import FastHttpUser, constant, events
from locust.env import Environment
from locust.runners import LocalRunner, WorkerRunner
from locust.stats import CSV_STATS_INTERVAL_SEC

from loadtests.call import Call, LeftOut
from loadtests.calls import find_calls, own_examples, weighted
from loadtests.service import Service, Unusable
from loadtests.settings import Settings
from loadtests.verdict import Figures, verdict

SETTINGS = Settings.from_environment()

if SETTINGS.shape == "steps":  # a shape that locust finds here takes over the number of users
    from loadtests.shape import Steps  # noqa: F401


def unprepared(user: FastHttpUser) -> None:
    """Fail, where the service could not be asked what it answers."""
    user.client.get("/openapi.json", name="/openapi.json")
    gevent.sleep(1)


class Caller(FastHttpUser):
    """Someone who sends the next request as soon as the last one is answered."""

    wait_time = constant(0)
    tasks = [unprepared]  # noqa: RUF012 - locust's way
    asks = ""
    sent = answered = 0

    def send(self, call: Call) -> None:
        """Send a request, and count an answer that is not right as a failure."""
        if Caller.sent == SETTINGS.requests > 0:
            gevent.sleep(3600)  # the last answers are awaited; `stop_at_last` ends it all
        Caller.sent += 1
        with self.client.post(
            call.path,
            data=call.body,  # type: ignore[arg-type]  # bytes are sent as they are, says its code
            headers=call.headers,
            name=call.name,
            catch_response=True,
        ) as response:
            if not response.status_code:
                return  # no answer at all: locust has the reason
            content_type = response.headers.get("Content-Type", "")
            problem = call.answer.problem(response.status_code, content_type, response.content)
            if problem:
                response.failure(problem)
            else:
                response.success()


def task_of(call: Call) -> Callable[[Caller], None]:
    """Return a task that locust shows by the call's name."""

    def task(user: Caller) -> None:
        user.send(call)

    task.__name__ = call.name
    return task


def prepare(url: str, *, quiet: bool = False) -> None:
    """Give callers their tasks; Unusable where the service gives no reason for any."""
    if Caller.asks == url:
        return
    found = list(find_calls(Service(url), own_examples()))
    for one in found:
        if isinstance(one, LeftOut) and not quiet:
            print(f"not asked: POST {one.name}: {one.reason}", file=sys.stderr)
    calls = [one for one in found if isinstance(one, Call)]
    tasks = {call.name: task_of(call) for call in calls}
    chosen = weighted(calls, SETTINGS.weights)
    if not chosen:
        raise Unusable("nothing to request: no target, or none whose example is taken")
    Caller.tasks = [tasks[call.name] for call in chosen]
    Caller.asks = url


@events.init.add_listener  # type: ignore[untyped-decorator]  # locust's has no annotations
def begin(environment: Environment, **_: Any) -> None:
    """Ask the service before the clock runs, and end with one line where it is not there."""
    if SETTINGS.requests:
        stop_at_last(environment)
    if environment.web_ui is None and environment.host:
        is_worker = isinstance(environment.runner, WorkerRunner)
        try:
            prepare(environment.host, quiet=is_worker)
        except Unusable as error:
            if not is_worker:
                raise SystemExit(f"load test FAILED: {error}") from None
    # gevent's clock stood still meanwhile: `--run-time` would be shorter by as much.
    gevent.get_hub().loop.update_now()


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def start(environment: Environment, **_: Any) -> None:
    """Ask the service that was typed into the page, or that the master names."""
    Caller.sent = Caller.answered = 0
    try:
        prepare(environment.host or "", quiet=isinstance(environment.runner, WorkerRunner))
    except Unusable as error:
        Caller.tasks, Caller.asks = [unprepared], ""
        print(f"load test: {error}", file=sys.stderr)


def stop_at_last(environment: Environment) -> None:
    """End when as many requests are answered as LOAD_REQUESTS says."""
    runner = environment.runner
    if not isinstance(runner, LocalRunner):
        raise SystemExit("LOAD_REQUESTS is for one process, not for --processes and --master")

    def count(**_: Any) -> None:
        Caller.answered += 1
        if Caller.answered == SETTINGS.requests:
            gevent.spawn(runner.stop if environment.web_ui else runner.quit)

    environment.events.request.add_listener(count)


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def judge(environment: Environment, **_: Any) -> None:
    """Make locust's exit code the verdict: 0 within all limits, else 1."""
    if isinstance(environment.runner, WorkerRunner):
        return  # the master has all the figures
    ladder = getattr(environment.shape_class, "ladder", None)
    figures = total(environment)
    if ladder is not None:
        ladder.end("it was stopped")
        figures = ladder.figures
    passed, line = verdict(figures, SETTINGS)
    said = [str(ladder), line] if ladder else [line]
    # The last lines of all, below locust's own tables.
    environment.events.quit.add_listener(lambda **_: print(*said, sep="\n"))
    environment.process_exit_code = 0 if passed else 1
    if environment.parsed_options and environment.parsed_options.csv_prefix:
        gevent.sleep(CSV_STATS_INTERVAL_SEC + 0.5)  # locust writes once in so long, not at the end


def total(environment: Environment) -> Figures:
    """Count everything that was asked since the start."""
    stats = environment.stats
    entry, last = stats.total, stats.last_request_timestamp
    seconds = last - stats.start_time if last else 0
    return Figures.of(entry.response_times, entry.num_requests, entry.num_failures, seconds)
