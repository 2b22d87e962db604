"""Metrics: what every request is counted in, and `/metrics`, which reports it (Prometheus).

Each process counts in files of its own, in a folder that all processes of the service share, in
the format of prometheus_client's multiprocess mode. The worker that serves the scrape aggregates
them.
"""
