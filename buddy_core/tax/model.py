"""Selling entities and the table that says which of them sells to a country."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from buddy_core.kernel.ids import EntityId


@frozen
class SellingEntity:
    """A company that sells: where it is, in which zone its months run, what it settles in."""

    id: EntityId
    name: str
    country: str
    zone: str
    """IANA name; a month of this entity is a calendar month there (decision C40)."""
    currency: str
    """ISO 4217 code in which token spends are valued (decision C39)."""


@frozen
class SellerRoutes:
    """Which entity sells to which country: some by name, one to all the rest."""

    entities: tuple[SellingEntity, ...]
    by_country: Mapping[str, EntityId]
    otherwise: EntityId

    def entity(self, entity_id: EntityId) -> SellingEntity:
        """Return the entity with this id; KeyError means the table contradicts itself."""
        return {entity.id: entity for entity in self.entities}[entity_id]

    @property
    def currencies(self) -> tuple[str, ...]:
        """The settlement currencies, each once, in order of the entities."""
        return tuple(dict.fromkeys(entity.currency for entity in self.entities))
