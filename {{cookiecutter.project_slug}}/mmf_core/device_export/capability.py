"""Export: a folder that predicts on a device without a server: the model as ONNX, and a page."""

from ..capabilities import Capability
from .command import export

CAPABILITY = Capability(
    commands=(export,),
    requires=("batch_prediction", "models/onnx"),
)
