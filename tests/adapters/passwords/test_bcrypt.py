"""Passwords are kept as bcrypt hashes: slow, salted, whole."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from buddy_adapters.passwords import BcryptPasswords

T = TypeVar("T")
QUICK = 4
"""bcrypt's smallest cost, for what is not about its slowness."""


def now(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def test_a_stored_password_costs_four_thousand_rounds() -> None:
    """What is stored names bcrypt and cost 12, and holds nothing of the password."""
    stored = now(BcryptPasswords().hash("Long-enough-1"))
    assert stored.startswith("$2b$12$")
    assert "Long-enough" not in stored


def test_the_same_password_is_stored_differently_each_time() -> None:
    """Each hash has a salt of its own, of 128 bits."""
    stored = {now(BcryptPasswords(QUICK).hash("Long-enough-1")) for _ in range(3)}
    salts = {text[7:29] for text in stored}
    assert (len(stored), len(salts)) == (3, 3)


@pytest.mark.parametrize("password", ["Long-enough-1", "Ü" * 36, "x" * 72])
def test_only_the_whole_password_fits(password: str) -> None:
    """The password fits, one without its last character does not, and up to 72 bytes each counts."""
    passwords = BcryptPasswords(QUICK)
    stored = now(passwords.hash(password))
    assert now(passwords.matches(password, stored))
    assert not now(passwords.matches(password[:-1], stored))
    assert not now(passwords.matches("y" + password[1:], stored))


def test_nobody_has_a_password_that_fits() -> None:
    """Where there is no member, no password fits, and a very long one raises nothing."""
    passwords = BcryptPasswords(QUICK)
    assert not now(passwords.matches("nobody has this password", None))
    assert not now(passwords.matches("z" * 10_000, None))
