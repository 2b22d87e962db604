"""Tokens, API keys and rate limits."""
