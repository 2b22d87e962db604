"""Serving: a subclass of gunicorn's threaded worker, and the hooks around it."""

from .worker import Worker as Worker
