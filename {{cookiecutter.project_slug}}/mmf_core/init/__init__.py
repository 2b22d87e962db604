"""`mmfmeta init`: main.py, written from a model file."""
