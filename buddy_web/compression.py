"""Sends the style sheet and the scripts compressed, where nothing in front does it."""

from __future__ import annotations

import functools
import gzip

from flask import Flask, request
from werkzeug.wrappers import Response

TYPES = {"text/css", "text/javascript", "image/svg+xml", "application/json", "application/manifest+json"}
MIN_BYTES = 1000


def install_compression(app: Flask) -> None:
    """Compress the package's own files for clients that take gzip.

    Pages are left as they are: they hold form tokens beside what a visitor typed, and the
    length of a compressed answer can betray such a token (the attack called BREACH).
    """

    @app.after_request
    def compress(response: Response) -> Response:
        if request.endpoint != "static" or response.mimetype not in TYPES:
            return response
        response.vary.add("Accept-Encoding")
        # Parts of a file and "not modified" are answers about the file as it lies there.
        if response.status_code != 200 or not request.accept_encodings.best_match(("gzip",)):
            return response
        if (response.content_length or 0) < MIN_BYTES:
            return response
        response.direct_passthrough = False
        response.set_data(_gzipped(response.get_data()))
        response.content_encoding = "gzip"
        tag, _ = response.get_etag()
        if tag is not None:
            # Weak: the same file, in other bytes.
            response.set_etag(tag, weak=True)
        return response


@functools.lru_cache(maxsize=64)
def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=9, mtime=0)
