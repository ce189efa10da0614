"""Hindi in Latin letters, as people type it: नमस्ते दुनिया becomes "namaste duniya".

A consonant letter carries an inherent "a" which speech drops at the end of a
word, and between consonants that have vowels on both sides. General tables write
letter for letter and lose it everywhere ("nmste"). Long vowels are written as
the short ones, because names usually are.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[\u0900-\u097f]+")
_NUKTA, _VIRAMA, _ANUSVARA = "\u093c", "\u094d", "\u0902"
_BASIC = dict(
    zip(
        "कखगघङचछजझञटठडढणतथदधनपफबभमयरलळवशषसह",
        [
            *("k", "kh", "g", "gh", "n", "ch", "chh", "j", "jh", "n", "t", "th", "d", "dh", "n"),
            *("t", "th", "d", "dh", "n", "p", "ph", "b", "bh", "m"),
            *("y", "r", "l", "l", "v", "sh", "sh", "s", "h"),
        ],
        strict=True,
    )
)
_CONSONANTS = _BASIC | {
    letter + _NUKTA: latin
    for letter, latin in zip(
        "कखगजडढफयनरळ", ["q", "kh", "g", "z", "d", "dh", "f", "y", "n", "r", "l"], strict=True
    )
}
_VOWELS = dict(
    zip(
        "अआइईउऊऋऍऎएऐऑऒओऔ",
        ["a", "a", "i", "i", "u", "u", "ri", "e", "e", "e", "ai", "o", "o", "o", "au"],
        strict=True,
    )
)
_SIGNS = dict(
    zip(
        "\u093e\u093f\u0940\u0941\u0942\u0943\u0945\u0946\u0947\u0948\u0949\u094a\u094b\u094c",
        ["a", "i", "i", "u", "u", "ri", "e", "e", "e", "ai", "o", "o", "o", "au"],
        strict=True,
    )
)
_OTHER = {"\u0901": "n", _ANUSVARA: "n", "\u0903": "h", "ॐ": "om", "।": " ", "॥": " "} | {
    chr(0x0966 + digit): str(digit) for digit in range(10)
}
_INHERENT = "A"
"""An inherent vowel that may yet be dropped; a capital, since all other output is in small letters."""
_VOWEL_ENDS = ("a", "e", "i", "o", "u", _INHERENT)


def romanise(text: str) -> str:
    """Return `text` with each run of Devanagari in Latin letters; other scripts stay as they are."""
    return _WORD.sub(lambda match: _word(unicodedata.normalize("NFD", match.group())), text)


def _word(word: str) -> str:
    sounds = _sounds(word)
    for place in range(len(sounds) - 1, 0, -1):
        if sounds[place] == _INHERENT and _is_dropped(sounds, place):
            del sounds[place]
    return "".join(sounds).replace(_INHERENT, "a")


def _sounds(word: str) -> list[str]:
    """Split a word into consonants, vowels and inherent vowels."""
    sounds: list[str] = []
    letters = re.findall(f".{_NUKTA}?", word)
    for letter, following in zip(letters, [*letters[1:], ""], strict=True):
        if letter in _CONSONANTS:
            sounds.append(_CONSONANTS[letter])
            if following != _VIRAMA and following not in _SIGNS:
                sounds.append(_INHERENT)
        elif letter == _ANUSVARA and following[:1] in tuple("पफबभम"):
            sounds.append("m")
        else:
            sounds.append(_VOWELS.get(letter) or _SIGNS.get(letter) or _OTHER.get(letter, ""))
    return [sound for sound in sounds if sound]


def _is_dropped(sounds: list[str], place: int) -> bool:
    """Return whether speech drops this inherent vowel.

    It does at the end of a word, and in vowel, consonant, (here), consonant, vowel.
    """
    before, after = sounds[: place - 1], sounds[place + 1 :]
    if not after:
        return len(before) > 0
    between_vowels = len(before) > 0 and before[-1].endswith(_VOWEL_ENDS)
    return (
        between_vowels
        and len(after) > 1
        and not after[0].endswith(_VOWEL_ENDS)
        and (after[1].endswith(_VOWEL_ENDS))
    )
