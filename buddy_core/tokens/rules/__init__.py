"""Pure decisions over wallets, one file a subject."""
