"""The words that generated ids skip, as data, and the check for them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import field, frozen

from buddy_core.kernel.errors import InvalidValue

SKIPPED_WORDS = (
    *("anus", "arse", "ass", "bastard", "bsdk", "butt", "chud", "chut", "crap", "cum", "cunt"),
    *("dyke", "fag", "fart", "fck", "fuc", "fuk", "fvck", "gand", "jap", "jhant", "jerk"),
    *("kkk", "kys", "madar", "negr", "nude", "pee", "perv", "phuc", "phuk", "puss", "rape", "retard"),
    *("sex", "spaz", "std", "stfu", "suck", "tard", "turd", "twat", "vag", "wank", "wtf", "xxx"),
)
"""Words, English and romanised Hindi, that can be spelt without o, l and i: the others cannot arise."""

_LOOKS_LIKE = {"a": "a4", "b": "b68", "e": "e3", "g": "g69", "s": "s5", "t": "t7", "z": "z2"}


class _Tree(dict[str, "_Tree"]):
    """Words by their letters; `ends` says that one is complete here."""

    ends = False


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Return one expression for all words; as a tree it is twice as quick as a plain list of them."""
    tree = _Tree()
    for word in words:
        place = tree
        for letter in word:
            place = place.setdefault(letter, _Tree())
        place.ends = True
    return re.compile(_expression(tree) if tree else r"(?!)")


def _expression(tree: _Tree) -> str:
    if tree.ends:
        return ""
    branches = [f"[{_LOOKS_LIKE.get(letter, letter)}]{_expression(rest)}" for letter, rest in tree.items()]
    return f"(?:{'|'.join(branches)})"


def _check_words(_: object, __: object, words: tuple[str, ...]) -> None:
    for word in words:
        if not (word.isascii() and word.isalpha() and word.islower()):
            raise InvalidValue("words", f"{word!r} is not written in the letters a-z")


@frozen
class WordList:
    """Words that no generated id may hold, also when digits stand for letters (4 for a, 5 for s)."""

    words: tuple[str, ...] = field(validator=_check_words)
    pattern: re.Pattern[str] = field(init=False, repr=False, eq=False)

    @pattern.default
    def _compiled(self) -> re.Pattern[str]:
        return _pattern(self.words)

    def skips(self, text: str) -> bool:
        """Return whether a generated id must be skipped for what it spells."""
        return self.pattern.search(text) is not None


DEFAULT_WORDS = WordList(SKIPPED_WORDS)
NO_WORDS = WordList(())
