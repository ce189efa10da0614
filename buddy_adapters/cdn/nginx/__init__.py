"""Signed links of nginx's `secure_link` module: sign them, check them, bind them to a network."""

from buddy_adapters.cdn.nginx.mapping import LinkState, NginxSecureLink, remote_prefix
from buddy_adapters.cdn.nginx.signer import NginxUrlSigner

__all__ = ["LinkState", "NginxSecureLink", "NginxUrlSigner", "remote_prefix"]
