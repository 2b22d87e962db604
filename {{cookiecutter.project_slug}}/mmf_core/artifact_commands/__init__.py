"""`mmfmeta lock, push, pull, versions, use, list`: models kept in stores, by artifacts.lock."""
