"""The payload log: the requests and responses of targets, for people and for drift."""
