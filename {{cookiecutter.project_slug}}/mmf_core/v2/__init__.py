"""The Open Inference Protocol, version 2, over HTTP: what KServe, Triton and MLServer speak.

Its REST specification, with the extension `binary_tensor_data`.
"""

from .routes import PROTOCOL as PROTOCOL
