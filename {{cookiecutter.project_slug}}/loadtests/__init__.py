"""The load test: what is asked is made of the service's own description."""
