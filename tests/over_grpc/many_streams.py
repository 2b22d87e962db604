"""Opens streams of gRPC at once, as `python many_streams.py PORT METHOD COUNT`; counts responses.

ModelInfer is called three times one after another by each of COUNT callers, on ten connections;
with ModelStreamInfer each caller keeps its stream open until all have had their responses.
"""

import asyncio
import sys

import grpc
import numpy as np
from grpc_service import SERVICE, Stub, values

CONNECTIONS, MESSAGES = 10, 3


async def main(port: int, name: str, count: int) -> None:
    """Run all callers; print how many responses were right."""
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
    address, own = f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(address, own) for _ in range(CONNECTIONS)]
    have_all = asyncio.Barrier(count)
    coding = {
        "request_serializer": request.SerializeToString,
        "response_deserializer": response.FromString,
    }

    async def call(caller: int) -> int:
        channel, right = channels[caller % CONNECTIONS], 0
        if name == "ModelInfer":
            method = channel.unary_unary(f"/{SERVICE}/{name}", **coding)
            for message in requests[caller]:
                right += _is_right(await method(message, timeout=240), message)
            return right
        stream = channel.stream_stream(f"/{SERVICE}/{name}", **coding)(timeout=240)
        for message in requests[caller]:
            await stream.write(message)
            right += _is_right((await stream.read()).infer_response, message)
        await have_all.wait()
        await stream.done_writing()
        assert await stream.code() is grpc.StatusCode.OK
        return right

    right = await asyncio.gather(*map(call, range(count)))
    for channel in channels:
        await channel.close()
    print(f"{count} streams, {sum(right)} right responses")


def _is_right(response: object, request: object) -> bool:
    sent = np.frombuffer(request.raw_input_contents[0])  # type: ignore[attr-defined]
    return values(response).ravel().tolist() == (2 * sent).tolist()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
