"""How the service is served: a subclass of gunicorn's threaded worker, and the hooks around it."""

from .worker import Worker as Worker
