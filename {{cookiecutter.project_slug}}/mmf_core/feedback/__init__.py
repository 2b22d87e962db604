"""Feedback: rewards and the truth on responses, and how good each version was."""
