"""Slow password hashes."""

from buddy_adapters.passwords.bcrypt import BcryptPasswords

__all__ = ["BcryptPasswords"]
