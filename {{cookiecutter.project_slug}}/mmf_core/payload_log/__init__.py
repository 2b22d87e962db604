"""The payload log: what targets were asked and what they answered, for people and for drift."""
