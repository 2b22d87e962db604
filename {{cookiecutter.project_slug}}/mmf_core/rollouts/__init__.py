"""Two versions of a service at once: `rollout.toml` defines the second, and who gets it."""
