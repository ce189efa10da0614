"""Small secrets, encrypted for storage."""

from buddy_adapters.sealing.aes_gcm import AesGcmSealer

__all__ = ["AesGcmSealer"]
