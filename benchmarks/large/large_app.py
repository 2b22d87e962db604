"""The application that gunicorn serves for the measurement of memory."""

from mmf_core.web import create_app

app = create_app("large")
