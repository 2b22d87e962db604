"""Drift: whether a model's inputs and predictions still resemble its training data."""
