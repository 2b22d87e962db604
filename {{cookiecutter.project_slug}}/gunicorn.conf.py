"""How the service is served: `gunicorn app:app` reads this file by itself.

Every number can be set by the environment variable named beside it. gunicorn's command line and
GUNICORN_CMD_ARGS override this file.
"""

import gc
import math
import os
import resource
import sys
from pathlib import Path

from gunicorn import glogging

from mmf_core.capabilities import run_hooks
from mmf_core.errors import SettingError
from mmf_core.server import companions, graceful_shutdown, memory, reloading, spawning, worker_boot
from mmf_core.server.scoreboard import MAX_WORKERS, scoreboard
from mmf_core.settings import LONGEST, check_environment
from mmf_core.shared_memory import memory_folder
from mmf_core.web import log_redaction, logs
from mmf_core.web.app import settings_groups

# Read by the numeric libraries, once, when they are imported.
NATIVE_THREADS = (
    "OMP_NUM_THREADS",  # OpenMP: scikit-learn, XGBoost, LightGBM, PyTorch
    "OPENBLAS_NUM_THREADS",  # numpy and scipy from PyPI
    "MKL_NUM_THREADS",  # numpy and scipy from Intel or conda
    "BLIS_NUM_THREADS",  # numpy and scipy of some distributions
    "VECLIB_MAXIMUM_THREADS",  # numpy on a Mac
    "NUMEXPR_NUM_THREADS",  # pandas, if numexpr is installed
)


MAX_REQUESTS = 1_000_000_000

problems: list[str] = []  # what is wrong with the environment, a line for each variable


def whole_number(name: str, default: int, least: int, most: int) -> int:
    """Read the environment variable `name` as a whole number; `default` if it is not set."""
    text = os.environ.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and least <= float(text) <= most:
        return int(text)
    problems.append(f"{name} must be a whole number, {least} to {most}, not {text!r}")
    return default


def cpu_quota(cgroup: Path) -> float | None:
    """Return the CPU time limit of the container, in cores; None if it has none."""
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # v2, then v1
        files = [cgroup / name for name in names]
        if all(os.access(file, os.R_OK) for file in files):
            quota, period = " ".join(file.read_text() for file in files).split()
            # Without a limit the quota is the word "max" in v2 and -1 in v1.
            return int(quota) / int(period) if quota.isdigit() else None
    return None


def usable_cores(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how many cores this process may use; the machine may have many more."""
    # macOS cannot pin a process to some of the cores.
    pinned = hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0))
    cores = pinned or os.cpu_count() or 1
    quota = cpu_quota(cgroup)
    return cores if quota is None else min(cores, max(1, math.ceil(quota)))


def allow_connections(connections: int, other_files: int = 256) -> int:
    """Raise the limit of open files for this many connections; return how many it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + other_files
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return connections
    return max(1, min(connections, soft - other_files))


def check_settings() -> None:
    """End the start, with a line for each variable that is unknown or has an unusable value."""
    try:
        check_environment(settings_groups())
    except SettingError as error:
        problems.append(str(error))
    if problems:
        # Not another exception: gunicorn would print its traceback.
        raise SystemExit("\n".join(problems))


class Logger(glogging.Logger):
    """gunicorn's logger without the access log.

    The application logs that line itself, with the target and the request ID. gunicorn would add
    its own with a logconfig_dict or Heroku's `--access-logfile`, despite `accesslog` below.
    """

    def access(self, resp: object, req: object, environ: object, request_time: object) -> None:
        """Write nothing."""


# Every address of the machine: in a container and on Heroku requests come from outside it.
host = os.environ.get("WEB_HOST", "0.0.0.0")  # noqa: S104
bind = f"{host}:{whole_number('PORT', 8000, least=1, most=65535)}"

# A process per core: a Python process computes on one core, however many threads it has.
cores = usable_cores()
workers = whole_number("WEB_CONCURRENCY", min(cores, MAX_WORKERS), least=1, most=MAX_WORKERS)

# gunicorn's gthread, but slow clients hold no thread, health checks need none of these, and
# connections are spread evenly. Each running or waiting request takes a thread.
worker_class = "mmf_core.server.Worker"
threads = whole_number("WEB_THREADS", 32, least=1, most=4096)

# Per worker. Most of them idle or send slowly: they hold a file descriptor but no thread.
worker_connections = allow_connections(
    whole_number("WEB_CONNECTIONS", 10_000, least=threads + 1, most=1_000_000)
)

# app.py loads the artifacts once, before the fork: all workers share that memory, and a service
# that cannot load them ends at once instead of restarting its workers for ever.
preload_app = True

# Seconds without a heartbeat after which a worker is replaced. A slow request does not stop the
# heartbeat, an interpreter that hangs does.
timeout = whole_number("WEB_TIMEOUT", 30, least=0, most=LONGEST)

# Seconds in total after SIGTERM: for MMF_DRAIN_SECONDS readiness fails and requests are still
# accepted, then the running requests may finish. Heroku and Kubernetes kill after 30 seconds.
graceful_timeout = whole_number("WEB_GRACEFUL_TIMEOUT", 25, least=0, most=LONGEST)

# Longer than the 60 seconds after which most load balancers drop an idle connection: if the service
# closed it first, they could send a request into it. An idle connection holds no thread.
keepalive = whole_number("WEB_KEEPALIVE", 75, least=0, most=LONGEST)

# Replace a worker after this many requests, for models that leak memory; 0: never.
# The jitter keeps the workers from being replaced all at once.
max_requests = whole_number("WEB_MAX_REQUESTS", 0, least=0, most=MAX_REQUESTS)
max_requests_jitter = whole_number(
    "WEB_MAX_REQUESTS_JITTER", max_requests // 10, least=0, most=MAX_REQUESTS
)

# The heartbeat is the time of a file: in memory it waits for no disk, and needs none to write to.
worker_tmp_dir = memory_folder()

# A socket in the home directory by which `gunicornc` controls a running gunicorn. Off: it fails on
# a read-only file system and with a user's second service, and its thread would be running during
# every fork.
control_socket_disable = True

# gunicorn logs in the application's format.
check_settings()
logconfig_dict = logs.dict_config()
logger_class = Logger
sys.excepthook = log_redaction.excepthook  # without secrets
accesslog = None

# Not set here: forwarded_allow_ips. gunicorn trusts X-Forwarded-* headers from this machine only,
# unless FORWARDED_ALLOW_IPS names others.


def nworkers_changed(server: object, new_value: int, old_value: int | None) -> None:  # noqa: ARG001
    """Divide the cores among the workers: each gets cores / workers threads in numeric libraries.

    Variables that the user has set stay. Capabilities prepare what must exist before the
    application is loaded.

    This is the only hook that runs after `gunicorn -w` is known and before the application, and
    numpy with it, is loaded.
    """
    scoreboard.workers = new_value
    if old_value is None:  # a later change, by signal, is too late for numpy
        run_hooks("before_load")
        memory.choose_pool()
        for name in NATIVE_THREADS:
            os.environ.setdefault(name, str(max(1, cores // max(1, new_value))))


def when_ready(server: object) -> None:
    """Exclude all loaded objects from garbage collection, in the master, before the first fork.

    A collection writes to every object that it visits, and a page written to is no longer shared.
    From now on SIGHUP loads a new version of model and code, if it works, and SIGTERM makes
    readiness fail before it ends the service, and a worker that cannot be started does not end it.
    """
    gc.freeze()
    spawning.keep_trying(server)
    reloading.handle_sighup(server)
    graceful_shutdown.handle_sigterm(server)
    companions.start(server)


def on_reload(server: object) -> None:  # noqa: ARG001
    """Have the processes of capabilities run the version that was just loaded."""
    companions.replace()


def on_exit(server: object) -> None:  # noqa: ARG001
    """Wait for the processes of capabilities, which may have work to finish."""
    companions.stop()


def post_worker_init(worker: object) -> None:
    """Load the artifacts marked `preload=False`, and call each target on its example."""
    worker_boot.boot(worker)


def worker_exit(server: object, worker: object) -> None:  # noqa: ARG001
    """Let capabilities finish what they do beside the worker's requests."""
    worker_boot.end(worker)
