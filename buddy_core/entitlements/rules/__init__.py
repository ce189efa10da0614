"""The decision, what it rests on, and what merges and refunds do to grants."""
