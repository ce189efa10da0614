"""Facts, terms, accounts and statements of a period."""
