"""Who sells: the buyer's country decides, and an unknown country decides nothing."""

from __future__ import annotations

from buddy_core.kernel.countries import country
from buddy_core.tax.model import SellerRoutes, SellingEntity


def seller_for(place: str | None, routes: SellerRoutes) -> SellingEntity:
    """Return the entity that sells to a viewer in `place` (ISO 3166-1 alpha-2).

    Raises:
        CountryUnknown: the place could not be told; never a default.
    """
    code = country(place)
    return routes.entity(routes.by_country.get(code, routes.otherwise))
