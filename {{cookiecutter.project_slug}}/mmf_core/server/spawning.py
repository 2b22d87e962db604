"""A worker that cannot be started now is started later, and the others keep serving.

gunicorn's master would end, and with it the service, if the system has no process, file descriptor
or place for a temporary file left at the moment in which a worker has to be replaced.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

_log = logging.getLogger("mmf.start")


def keep_trying(server: Any) -> None:
    """Have gunicorn's arbiter, which looks every second, survive a worker that does not start."""
    spawn: Callable[[], Any] = server.spawn_worker

    def spawn_worker() -> Any:
        os.umask(umask := os.umask(0))
        try:
            return spawn()
        except (OSError, RuntimeError) as error:  # RuntimeError: the folder for its file is gone
            is_start = server.worker_age <= server.num_workers
            if is_start or os.getpid() != server.pid:
                raise
            os.umask(umask)  # gunicorn's own leaves another one behind
            _log.error("a worker cannot be started, the others keep serving: %s", error)
            return None

    server.spawn_worker = spawn_worker
