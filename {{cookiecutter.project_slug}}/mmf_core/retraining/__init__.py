"""Retraining: models that the service fits again, tests, and promotes or offers."""
