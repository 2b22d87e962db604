"""Feedback: rewards and the truth for answers given, and how good each version was."""
