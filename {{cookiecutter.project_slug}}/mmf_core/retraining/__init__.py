"""Retraining: models that the service fits anew, tries, and takes or offers."""
