"""The quote, and the check that what was seen still holds."""

from __future__ import annotations

from buddy_core.kernel.ids import TitleId
from buddy_core.pricing.errors import NotForTokens, PriceChanged
from buddy_core.pricing.model import Quote, TokenCosts


def quote(title_id: TitleId, title_type: str, costs: TokenCosts) -> Quote:
    """Return what an unlock of the title costs; a title's own cost beats its type's.

    Raises:
        NotForTokens: neither the title nor its type has a cost.
    """
    own = costs.by_title.get(title_id)
    if own is not None:
        return Quote(title_id, own, f"title:{title_id}", costs.version)
    if title_type not in costs.by_type:
        raise NotForTokens(title_type)
    return Quote(title_id, costs.by_type[title_type], f"type:{title_type}", costs.version)


def check_seen(current: Quote, tokens: int, rule_version: int) -> None:
    """Hold the caller to what they saw, and us to what we showed.

    Raises:
        PriceChanged: cost or rule version are no longer those seen.
    """
    if (current.tokens, current.rule_version) != (tokens, rule_version):
        raise PriceChanged(tokens, rule_version, current.tokens, current.rule_version)
