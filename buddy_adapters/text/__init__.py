"""Adapters for written text."""
