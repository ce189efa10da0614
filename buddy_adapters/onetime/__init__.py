"""One-time codes of authenticator apps."""

from buddy_adapters.onetime.pyotp import PyotpCodes

__all__ = ["PyotpCodes"]
