"""`mmfmeta test, check-fork`: whether a project works where it is deployed."""
