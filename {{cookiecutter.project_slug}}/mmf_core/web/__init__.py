"""The service: `create_app("main")` gives the Flask application that gunicorn serves."""

from .app import create_app as create_app
