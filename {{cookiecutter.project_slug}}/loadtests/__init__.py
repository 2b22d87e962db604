"""The load test: its requests come from the service's own description."""
