"""Drift: whether what a model is asked, and what it answers, is still what it was trained on."""
