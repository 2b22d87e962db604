"""Two versions of a service at once: `rollout.toml` says which, and who gets the second."""
