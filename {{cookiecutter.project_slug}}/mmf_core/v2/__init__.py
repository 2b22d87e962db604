"""The Open Inference Protocol, version 2, over HTTP: the protocol of KServe, Triton and MLServer.

Follows its REST specification, with the extension `binary_tensor_data`.
"""
