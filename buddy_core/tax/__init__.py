"""Which company sells to whom; tax rates and invoices will live here."""

from buddy_core.tax.errors import UnknownEntity
from buddy_core.tax.model import SellerRoutes, SellingEntity
from buddy_core.tax.rules import entities_named, seller_for

__all__ = ["SellerRoutes", "SellingEntity", "UnknownEntity", "entities_named", "seller_for"]
