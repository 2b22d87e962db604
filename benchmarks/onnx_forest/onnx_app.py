"""The application that gunicorn serves for the forest as ONNX."""

from mmf_core.web import create_app

app = create_app("forest_as_onnx")
