"""Which keys of a case an adapter has read: what it passes over would be answered as if it were not there."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class UnreadKeys(AssertionError):
    """A case says something that its adapter does not read, so its answer would mean nothing."""

    def __init__(self, topic: str, paths: list[str]) -> None:
        super().__init__(
            f"the adapter of {topic} does not read {', '.join(paths)}: let it read them, or say in its "
            "UNASKED that they change no answer"
        )


class Asked(Mapping[str, Any]):
    """An object of a case that remembers which of its values were taken.

    To ask whether a key is there does not take its value; to iterate over items does.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {name: asked(value) for name, value in values.items()}
        self._taken: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        value = self._values[name]
        self._taken.add(name)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def unread(self, where: str = "") -> Iterator[tuple[str, str]]:
        """Give the path and the name of each key that was not taken, down into what was."""
        for name, value in self._values.items():
            path = f"{where}.{name}" if where else name
            if name not in self._taken:
                yield path, name
                continue
            elements = value if isinstance(value, list) else [value]
            for place, element in enumerate(elements):
                if isinstance(element, Asked):
                    yield from element.unread(f"{path}[{place}]" if isinstance(value, list) else path)


def asked(value: Any) -> Any:
    """Return a value of a case whose objects remember what is taken of them."""
    if isinstance(value, Mapping):
        return Asked(value)
    return [asked(element) for element in value] if isinstance(value, list) else value


def named(adapter: Path) -> frozenset[str]:
    """Return every text that stands in an adapter's source: the keys that it knows of."""
    nodes = ast.walk(ast.parse(adapter.read_text(encoding="utf-8")))
    return frozenset(
        node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def check_read(topic: str, inputs: Asked, unasked: frozenset[str], known: frozenset[str]) -> None:
    """Refuse an answer to a case with keys that are neither read, nor `unasked`, nor `known`.

    An adapter that refuses a case stops before it has read all, so what it names in its
    source counts as `known` then; of an answered case nothing does.

    Raises:
        UnreadKeys: there are such keys; all are named.
    """
    paths = [path for path, name in inputs.unread() if name not in unasked | known]
    if paths:
        raise UnreadKeys(topic, paths)
