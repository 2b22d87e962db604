"""Open gRPC streams at once, and count responses: `python many_streams.py PORT METHOD COUNT`.

Each of COUNT callers, on ten connections, calls ModelInfer three times in sequence; with
ModelStreamInfer it keeps its stream open until all callers have their responses.
"""

import asyncio
import sys

import grpc
import numpy as np
from grpc_service import SERVICE, Stub, values

CONNECTIONS, MESSAGES = 10, 3


async def main(port: int, name: str, count: int) -> None:
    """Run all callers; print the number of correct responses."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = Stub(channel)
        _, request = stub.method(name)
        response = stub.message(
            "inference.ModelInferResponse"
            if name == "ModelInfer"
            else "inference.ModelStreamInferResponse"
        )
        requests = [
            [
                stub.raw("twice", ("x", "FP64", np.array([[float(caller), message]])))
                for message in range(MESSAGES)
            ]
            for caller in range(count)
        ]
    address, options = f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(address, options) for _ in range(CONNECTIONS)]
    have_all = asyncio.Barrier(count)
    coding = {
        "request_serializer": request.SerializeToString,
        "response_deserializer": response.FromString,
    }

    async def call(caller: int) -> int:
        channel, correct = channels[caller % CONNECTIONS], 0
        if name == "ModelInfer":
            method = channel.unary_unary(f"/{SERVICE}/{name}", **coding)
            for message in requests[caller]:
                correct += _is_correct(await method(message, timeout=240), message)
            return correct
        stream = channel.stream_stream(f"/{SERVICE}/{name}", **coding)(timeout=240)
        for message in requests[caller]:
            await stream.write(message)
            correct += _is_correct((await stream.read()).infer_response, message)
        await have_all.wait()
        await stream.done_writing()
        assert await stream.code() is grpc.StatusCode.OK
        return correct

    correct = await asyncio.gather(*map(call, range(count)))
    for channel in channels:
        await channel.close()
    print(f"{count} streams, {sum(correct)} correct responses")


def _is_correct(response: object, request: object) -> bool:
    sent = np.frombuffer(request.raw_input_contents[0])  # type: ignore[attr-defined]
    return values(response).ravel().tolist() == (2 * sent).tolist()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
