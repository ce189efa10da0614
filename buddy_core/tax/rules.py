"""Who sells: the buyer's country decides, and an unknown country decides nothing."""

from __future__ import annotations

from buddy_core.kernel.countries import country
from buddy_core.tax.errors import UnknownEntity
from buddy_core.tax.model import SellerRoutes, SellingEntity


def seller_for(place: str | None, routes: SellerRoutes) -> SellingEntity:
    """Return the entity that sells to a viewer in `place` (ISO 3166-1 alpha-2).

    Raises:
        CountryUnknown: the place could not be told; never a default.
    """
    code = country(place)
    return routes.entity(routes.by_country.get(code, routes.otherwise))


def entities_named(routes: SellerRoutes, wanted: str | None) -> tuple[SellingEntity, ...]:
    """Return the entity with the id `wanted`, or all of them when none is named.

    Raises:
        UnknownEntity: no selling entity has this id.
    """
    if wanted is None:
        return routes.entities
    found = tuple(entity for entity in routes.entities if entity.id == wanted)
    if not found:
        raise UnknownEntity(wanted, tuple(entity.id for entity in routes.entities))
    return found
