"""How the service is served: a worker of our own for gunicorn."""

from .worker import LeaderWorker as LeaderWorker
