"""The load test for locust: users that make every call in the service's description.

`make load` starts the service and runs this without a page; `locust` alone opens the page, filled
in from pyproject.toml.
"""

import sys
from collections.abc import Callable
from typing import Any

import gevent
from locust import FastHttpUser, constant, events
from locust.env import Environment
from locust.runners import LocalRunner, WorkerRunner
from locust.stats import CSV_STATS_INTERVAL_SEC

from loadtests.call import Call, Skipped
from loadtests.calls import find_calls, weighted
from loadtests.service import LoadTestError, Service
from loadtests.settings import Settings
from loadtests.verdict import Figures, verdict

SETTINGS = Settings.from_environment()

if SETTINGS.shape == "steps":  # locust finds the shape here, and it sets the number of users
    from loadtests.shape import Steps  # noqa: F401


def fail(user: FastHttpUser) -> None:
    """Fail, since the service's description could not be read."""
    user.client.get("/openapi.json", name="/openapi.json", headers=SETTINGS.headers)
    gevent.sleep(1)


class Caller(FastHttpUser):
    """A user that sends the next request as soon as the last one has its response."""

    wait_time = constant(0)
    tasks = [fail]  # noqa: RUF012 - as locust expects
    prepared_for = ""
    sent = completed = 0

    def send(self, call: Call) -> None:
        """Send a request, and count a wrong response as a failure."""
        if Caller.sent == SETTINGS.requests > 0:
            gevent.sleep(3600)  # until `stop_after_last_response` ends the test
        Caller.sent += 1
        with self.client.post(
            call.path,
            data=call.body,  # type: ignore[arg-type]  # bytes are sent unchanged
            headers=call.headers | SETTINGS.headers,
            name=call.name,
            catch_response=True,
        ) as response:
            if not response.status_code:
                return  # no response: locust reports the reason
            content_type = response.headers.get("Content-Type", "")
            problem = call.expected.problem(response.status_code, content_type, response.content)
            if problem:
                response.failure(problem)
            else:
                response.success()


def task_of(call: Call) -> Callable[[Caller], None]:
    """Return a task that locust displays under the call's name."""

    def task(user: Caller) -> None:
        user.send(call)

    task.__name__ = call.name
    return task


def prepare(url: str, *, quiet: bool = False) -> None:
    """Give callers their tasks; LoadTestError if the service has no call to make."""
    if Caller.prepared_for == url:
        return
    results = list(find_calls(Service(url, SETTINGS.headers)))
    for skipped in results:
        if isinstance(skipped, Skipped) and not quiet:
            print(f"skipped: POST {skipped.name}: {skipped.reason}", file=sys.stderr)
    calls = [call for call in results if isinstance(call, Call)]
    tasks = {call.name: task_of(call) for call in calls}
    repeated = weighted(calls, SETTINGS.weights)
    if not repeated:
        raise LoadTestError("nothing to request: no target, or none whose example is accepted")
    Caller.tasks = [tasks[call.name] for call in repeated]
    Caller.prepared_for = url


@events.init.add_listener  # type: ignore[untyped-decorator]  # locust's has no annotations
def on_init(environment: Environment, **_: Any) -> None:
    """Read the description before the clock starts; exit with one line if that fails."""
    if SETTINGS.requests:
        stop_after_last_response(environment)
    if environment.web_ui is None and environment.host:
        is_worker = isinstance(environment.runner, WorkerRunner)
        try:
            prepare(environment.host, quiet=is_worker)
        except LoadTestError as error:
            if not is_worker:
                raise SystemExit(f"load test FAILED: {error}") from None
    # gevent's clock stood still in the meantime, which would shorten `--run-time`.
    gevent.get_hub().loop.update_now()


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def on_test_start(environment: Environment, **_: Any) -> None:
    """Read the description of the service that the page or the master names."""
    Caller.sent = Caller.completed = 0
    try:
        prepare(environment.host or "", quiet=isinstance(environment.runner, WorkerRunner))
    except LoadTestError as error:
        Caller.tasks, Caller.prepared_for = [fail], ""
        print(f"load test: {error}", file=sys.stderr)


def stop_after_last_response(environment: Environment) -> None:
    """End the test after LOAD_REQUESTS responses."""
    runner = environment.runner
    if not isinstance(runner, LocalRunner):
        raise SystemExit("LOAD_REQUESTS needs a single process: no --processes or --master")

    def count(**_: Any) -> None:
        Caller.completed += 1
        if Caller.completed == SETTINGS.requests:
            gevent.spawn(runner.stop if environment.web_ui else runner.quit)

    environment.events.request.add_listener(count)


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def on_quitting(environment: Environment, **_: Any) -> None:
    """Set locust's exit code: 0 within all limits, else 1."""
    if isinstance(environment.runner, WorkerRunner):
        return  # the master has all the figures
    search = getattr(environment.shape_class, "search", None)
    figures = total_figures(environment)
    if search is not None:
        search.stop("interrupted")
        figures = search.figures
    passed, line = verdict(figures, SETTINGS)
    lines = [str(search), line] if search else [line]
    # The last lines of all, below locust's own tables.
    environment.events.quit.add_listener(lambda **_: print(*lines, sep="\n"))
    environment.process_exit_code = 0 if passed else 1
    if environment.parsed_options and environment.parsed_options.csv_prefix:
        gevent.sleep(CSV_STATS_INTERVAL_SEC + 0.5)  # locust writes at this interval, not at the end


def total_figures(environment: Environment) -> Figures:
    """Return the figures of all requests since the start."""
    stats = environment.stats
    entry, last = stats.total, stats.last_request_timestamp
    seconds = last - stats.start_time if last else 0
    return Figures.of(entry.response_times, entry.num_requests, entry.num_failures, seconds)
