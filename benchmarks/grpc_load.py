"""Calls a gRPC service in a closed loop: `grpc_load.py ADDRESS BODY CALLERS SECONDS`.

Each caller has a connection of its own, and calls ModelInfer with the same message as soon as it
has its response, which is not read. Prints what `load.Load` holds, in JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import grpc

METHOD = "/inference.GRPCInferenceService/ModelInfer"
LONGEST = 10.0  # seconds for a call
OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]


async def main(address: str, body: bytes, callers: int, seconds: float) -> None:
    """Call for some seconds; print the number of responses, and their latencies."""
    times: list[float] = []
    failed = 0

    async def call() -> None:
        nonlocal failed
        async with grpc.aio.insecure_channel(address, OPTIONS) as channel:
            infer = channel.unary_unary(METHOD)
            await infer(body, timeout=LONGEST)  # connects
            end = time.perf_counter() + seconds
            while (began := time.perf_counter()) < end:
                try:
                    await infer(body, timeout=LONGEST)
                except grpc.RpcError:
                    failed += 1
                times.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(callers)))
    spent = time.perf_counter() - began
    times.sort()

    def percentile(share: float) -> float:
        return times[min(len(times) - 1, int(share * len(times)))] * 1000

    print(
        json.dumps(
            {
                "requests": len(times),
                "failed": failed,
                "seconds": spent,
                "p50_ms": percentile(0.5),
                "p99_ms": percentile(0.99),
                "p999_ms": percentile(0.999),
            }
        )
    )


if __name__ == "__main__":
    _, ADDRESS, BODY, CALLERS, SECONDS = sys.argv
    asyncio.run(main(ADDRESS, Path(BODY).read_bytes(), int(CALLERS), float(SECONDS)))
