"""The metrics by name: docs/metrics.md lists the same, and a test compares."""

from __future__ import annotations

from typing import NamedTuple

SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, float("inf")),
)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, float("inf"))
STAGES = ("decode", "queue", "call", "encode")


class Family(NamedTuple):
    """One metric: its name, what it is, and the names of its labels."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()


REQUESTS = Family("mmf_requests", "counter", "Answered requests.", ("target", "protocol", "status"))
DURATION = Family(
    "mmf_request_duration_seconds",
    "histogram",
    "From a request's arrival in the application to its answer.",
    ("target", "protocol"),
)
STAGE = Family(
    "mmf_request_stage_seconds",
    "histogram",
    "Where a request's time went: decode, queue, call, encode.",
    ("target", "stage"),
)
ROWS = Family(
    "mmf_rows", "counter", "Rows of tables and arrays, in and out.", ("target", "direction")
)
BATCH = Family(
    "mmf_batch_requests",
    "histogram",
    "How many requests shared a call, where batch= is set.",
    ("target",),
)
IN_FLIGHT = Family("mmf_requests_in_flight", "gauge", "Requests that a target is at.", ("target",))
READY = Family("mmf_ready", "gauge", "1 if the worker that was asked is ready.")
REFUSED = Family("mmf_reload_refused", "gauge", "1 if the last new version was not taken.")
BUILD = Family("mmf_build_info", "gauge", "Always 1.", ("version", "python"))
ARTIFACT = Family("mmf_artifact_info", "gauge", "Always 1.", ("artifact", "version", "sha256"))
LOAD = Family("mmf_artifact_load_seconds", "gauge", "What loading took.", ("artifact",))
LOADED = Family(
    "mmf_artifact_loaded_timestamp_seconds", "gauge", "When it was loaded.", ("artifact",)
)
MODIFIED = Family(
    "mmf_artifact_modified_timestamp_seconds",
    "gauge",
    "When the file beside the code was written.",
    ("artifact",),
)
MEMORY = Family(
    "mmf_worker_memory_bytes",
    "gauge",
    "Resident memory, with what is shared between workers.",
    ("pid",),
)

FAMILIES = (
    *(REQUESTS, DURATION, STAGE, ROWS, BATCH, IN_FLIGHT),
    *(READY, REFUSED, BUILD, ARTIFACT, LOAD, LOADED, MODIFIED, MEMORY),
)
