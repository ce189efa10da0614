"""Titles and producers; the editorial desk will live here."""

from buddy_core.catalog.errors import ProducerNotFound, TitleNotFound
from buddy_core.catalog.model import Producer, Title, TitleType
from buddy_core.catalog.ports import CatalogTx, Producers, Titles

__all__ = [
    "CatalogTx",
    "Producer",
    "ProducerNotFound",
    "Producers",
    "Title",
    "TitleNotFound",
    "TitleType",
    "Titles",
]
