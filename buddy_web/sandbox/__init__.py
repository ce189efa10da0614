"""Stand-ins for other companies, marked SANDBOX; only the demo has them."""
