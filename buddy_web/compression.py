"""Sends the style sheet and the scripts compressed, where nothing in front does it."""

from __future__ import annotations

import functools
import gzip
from pathlib import Path

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
        path = Path(str(app.static_folder), (request.view_args or {})["filename"])
        # Parts of a file and "not modified" are answers about the file as it lies there.
        if response.status_code != 200 or not request.accept_encodings.best_match(("gzip",)):
            return response
        found = path.stat()
        if found.st_size < MIN_BYTES:
            return response
        response.direct_passthrough = False
        response.data = _gzipped(path, found.st_mtime_ns)
        response.content_encoding = "gzip"
        # Weak: the same file, in other bytes.
        response.set_etag(response.get_etag()[0] or str(found.st_mtime_ns), weak=True)
        return response


@functools.lru_cache(maxsize=64)
def _gzipped(path: Path, changed_ns: int) -> bytes:
    return gzip.compress(path.read_bytes(), compresslevel=9, mtime=0)
