"""`buddy tokens`: what a wallet holds and how it came to that, and what staff do to wallets."""

from __future__ import annotations

import click

from buddy_web.commands.token_acts import adjust, expire, freeze, refund, reverse, unfreeze
from buddy_web.commands.token_liability import liability
from buddy_web.commands.token_reads import balance, statement
from buddy_web.commands.token_values import value
from buddy_web.commands.users import grant_tokens


@click.group()
def tokens() -> None:
    """Look into token wallets; an account is named by its EMAIL, and looking is written to the audit."""


tokens.add_command(value)
tokens.add_command(balance)
tokens.add_command(statement)
tokens.add_command(liability)
tokens.add_command(grant_tokens, "grant")
for act in (freeze, unfreeze, expire, refund, reverse, adjust):
    tokens.add_command(act)
