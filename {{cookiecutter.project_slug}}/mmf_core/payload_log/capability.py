"""The payload log: requests and responses as Parquet files, in S3, or as KServe's CloudEvents."""

from __future__ import annotations

from ..capabilities import Capability
from .commands import log
from .observer import make_observer
from .settings import PayloadLogSettings
from .writer import Writer

CAPABILITY = Capability(
    settings=PayloadLogSettings,
    call_observer=make_observer,
    task_observer=make_observer,
    worker_ended=Writer.close_all,
    commands=(log,),
)
