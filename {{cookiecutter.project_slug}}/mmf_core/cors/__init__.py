"""Cross-origin requests from browsers, where MMF_CORS_ORIGINS allows them (WHATWG Fetch)."""
