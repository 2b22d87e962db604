"""The Open Inference Protocol over gRPC, by the workers that serve HTTP.

A call enters the application as a request does: its path is `/inference.GRPCInferenceService/…`,
its metadata are headers, its message is the body. So everything that holds for requests holds for
calls, and what extends the application extends both.
"""
