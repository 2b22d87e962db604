"""Metrics: every request is counted, and `GET /metrics` reports the counts to Prometheus.

prometheus_client does the counting, in its multi-process mode under a server with several workers:
each process writes files of its own in a shared directory, and the worker that serves the scrape
aggregates them. It decides at import whether several processes count, so nothing here imports it
before `setup` has been called.
"""
