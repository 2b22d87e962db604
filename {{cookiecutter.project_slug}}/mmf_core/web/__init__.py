"""The service: `create_app("main")` returns the Flask application that gunicorn serves."""

from .app import create_app as create_app
