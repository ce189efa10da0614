"""Adapters: they translate between the core's ports and the outside world."""
