"""Where tokens come from and go to, as ledger entries say it."""

UNLOCK = "unlock"
"""A spend that opens a title; every one of them has its grant and its royalty facts."""
AD_REWARD = "ads.reward"
SUPPORT_GRANT = "support.grant"
"""Bonus tokens that staff gave to make up for something."""
