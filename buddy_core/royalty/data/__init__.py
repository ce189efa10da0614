"""What operators change without touching a rule: the default splits, read from the file beside this one."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType


@cache
def presets() -> Mapping[str, Mapping[str, str]]:
    """Return the holder's rates by name of the preset and model, as exact text such as `1/2`."""
    text = pkgutil.get_data(__name__, "presets.json")
    assert text is not None, "presets.json is shipped beside this file"
    return MappingProxyType({name: preset["rates"] for name, preset in json.loads(text)["presets"].items()})
