"""What a window sells, by its type."""

from __future__ import annotations

from collections.abc import Mapping

from buddy_core.rights.model.windows import Window, WindowType

SELLS: Mapping[WindowType, tuple[str, ...]] = {
    WindowType.FESTIVAL: ("festival_pass",),
    WindowType.CINEMA: (),
    WindowType.COLLECTOR: ("edition",),
    WindowType.PVOD: ("pvod", "est"),
    WindowType.PPV: ("ppv",),
    WindowType.TVOD: ("rental", "watch_once", "est"),
    WindowType.SVOD: ("subscription",),
    WindowType.AVOD: (),
}
TOKEN_WINDOWS = frozenset({WindowType.TVOD, WindowType.SVOD, WindowType.AVOD})
"""In which windows tokens unlock a title, unless the window says otherwise."""


def sells(window: Window) -> tuple[str, ...]:
    """Return the ways to a title that a window sells; a free festival sells none."""
    ways = () if window.is_free else SELLS[window.type]
    by_tokens = window.type in TOKEN_WINDOWS if window.sells_tokens is None else window.sells_tokens
    return ("tokens", *ways) if by_tokens else ways
