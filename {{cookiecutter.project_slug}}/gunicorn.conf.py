"""How the service is served: `gunicorn app:app` reads this file by itself.

Every number can be set in the environment, under the name that stands beside it. What gunicorn is
told on its command line, or in GUNICORN_CMD_ARGS, wins over this file.
"""

import gc
import math
import os
import resource
import sys
from pathlib import Path

from gunicorn import glogging

from mmf_core.capabilities import run_hooks
from mmf_core.server import graceful_shutdown, reloading, worker_boot
from mmf_core.server.scoreboard import scoreboard
from mmf_core.web import log_redaction, logs

# What the numeric libraries read, once, when they are imported.
NATIVE_THREADS = (
    "OMP_NUM_THREADS",  # OpenMP: scikit-learn, XGBoost, LightGBM, PyTorch
    "OPENBLAS_NUM_THREADS",  # numpy and scipy from PyPI
    "MKL_NUM_THREADS",  # numpy and scipy from Intel or conda
    "BLIS_NUM_THREADS",  # numpy and scipy of some distributions
    "VECLIB_MAXIMUM_THREADS",  # numpy on a Mac
    "NUMEXPR_NUM_THREADS",  # pandas where numexpr is installed
)


def whole(name: str, default: int, least: int = 0, most: int | None = None) -> int:
    """Read the environment variable `name` as a whole number; `default` where it is not set."""
    text = os.environ.get(name)
    if text is None:
        return default
    limit = math.inf if most is None else most
    if text.isascii() and text.isdigit() and least <= int(text) <= limit:
        return int(text)
    bounds = f"{least} or more" if most is None else f"{least} to {most}"
    # Not ValueError: gunicorn wraps that in a traceback, and lets this one through as one line.
    raise SystemExit(f"{name} must be a whole number, {bounds}, not {text!r}")


def cpu_quota(cgroup: Path) -> float | None:
    """Say how many cores' worth of time the container has; None where nothing limits it."""
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # v2, then v1
        files = [cgroup / name for name in names]
        if all(os.access(file, os.R_OK) for file in files):
            quota, period = " ".join(file.read_text() for file in files).split()
            # Without a limit the quota is the word "max" in v2 and -1 in v1.
            return int(quota) / int(period) if quota.isdigit() else None
    return None


def usable_cores(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Count the cores that this process may use: the machine may have many more."""
    # macOS cannot pin a process to some of the cores.
    pinned = hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0))
    cores = pinned or os.cpu_count() or 1
    quota = cpu_quota(cgroup)
    return cores if quota is None else min(cores, max(1, math.ceil(quota)))


def room_for(connections: int, others: int = 256) -> int:
    """Have the system allow so many connections, and files beside; say how many it does allow."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + others
    if now != resource.RLIM_INFINITY and now < wanted:
        now = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))
    return connections if now == resource.RLIM_INFINITY else max(1, min(connections, now - others))


class Logger(glogging.Logger):
    """gunicorn's logger without the access log.

    The application logs that line itself, with the target and the request id. gunicorn would add
    its own wherever it has a logconfig_dict or Heroku's `--access-logfile`, whatever `accesslog`
    says below.
    """

    def access(self, resp: object, req: object, environ: object, request_time: object) -> None:
        """Write nothing."""


# Every address of the machine: in a container and on Heroku requests come from outside it.
host = os.environ.get("WEB_HOST", "0.0.0.0")  # noqa: S104
bind = f"{host}:{whole('PORT', 8000, least=1, most=65535)}"

# A process per core: Python computes on one core per process, whatever the number of threads.
cores = usable_cores()
workers = whole("WEB_CONCURRENCY", cores, least=1)

# gunicorn's gthread, but slow clients hold no thread, health checks need none of these, and
# connections are spread evenly. A thread for each request at a time, waiting ones included.
worker_class = "mmf_core.server.Worker"
threads = whole("WEB_THREADS", 32, least=1)

# Of each worker. Most of them idle, or send slowly: they hold no thread, only a file descriptor.
worker_connections = room_for(whole("WEB_CONNECTIONS", 10_000, least=threads + 1))

# app.py loads the artifacts once, before the fork: all workers share that memory, and a service
# that cannot load them ends at once instead of restarting its workers for ever.
preload_app = True

# A worker without a sign of life for so long is replaced. A slow request does not
# silence a worker, but an interpreter that hangs does.
timeout = whole("WEB_TIMEOUT", 30)

# After SIGTERM, all in all: MMF_DRAIN_SECONDS in which readiness is refused and requests are not,
# and then the running requests may end. Heroku and Kubernetes kill after 30 seconds.
graceful_timeout = whole("WEB_GRACEFUL_TIMEOUT", 25)

# Longer than the 60 seconds after which most load balancers drop an idle connection: if we were
# first, they could send a request into a closed one. An idle connection holds no thread.
keepalive = whole("WEB_KEEPALIVE", 75)

# A worker is replaced after so many requests, a remedy for a model that leaks memory; 0: never.
# The jitter keeps the workers from being replaced all at once.
max_requests = whole("WEB_MAX_REQUESTS", 0)
max_requests_jitter = whole("WEB_MAX_REQUESTS_JITTER", max_requests // 10)

# The sign of life is a file's time: in memory it never waits for a disk, nor needs one to write to.
memory = "/dev/shm"  # noqa: S108
worker_tmp_dir = memory if os.access(memory, os.W_OK | os.X_OK) else None

# A socket in the home directory by which `gunicornc` steers a running gunicorn. Off: a read-only
# file system refuses it, a user's second service collides with it, and its thread would be running
# whenever a worker is forked again.
control_socket_disable = True

# gunicorn's own lines come out in the same shape as the application's.
logconfig_dict = logs.dict_config()
logger_class = Logger
sys.excepthook = log_redaction.excepthook  # what ends the start is a line of the log, too
accesslog = None

# Not set here: forwarded_allow_ips. gunicorn believes the X-Forwarded-* headers of this machine
# only, unless FORWARDED_ALLOW_IPS names others.


def nworkers_changed(server: object, new_value: int, old_value: int | None) -> None:  # noqa: ARG001
    """Share the cores among the workers: each one's numeric libraries get cores / workers threads.

    And let the capabilities prepare what must be there before the application is loaded.

    The one hook that comes after `gunicorn -w` has had its say and before the application, and
    with it numpy, is loaded. What the user has set stays.
    """
    scoreboard.workers = new_value
    if old_value is None:  # a later change, by signal, is too late for numpy
        run_hooks("before_load")
        for name in NATIVE_THREADS:
            os.environ.setdefault(name, str(max(1, cores // max(1, new_value))))


def when_ready(server: object) -> None:
    """Leave what is loaded out of garbage collection: once, in the master, before the first fork.

    A collection writes to every object it looks at, and a page written to is no longer shared.
    From now on SIGHUP brings in a new version of model and code, if that loads and predicts, and
    SIGTERM refuses readiness before it ends the service.
    """
    gc.freeze()
    reloading.handle_sighup(server)
    graceful_shutdown.handle_sigterm(server)


def post_worker_init(worker: object) -> None:
    """Load the artifacts marked `preload=False`, and call each target on its example."""
    worker_boot.boot(worker)
