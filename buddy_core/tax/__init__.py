"""Which company sells to whom; tax rates and invoices will live here."""

from buddy_core.tax.model import SellerRoutes, SellingEntity
from buddy_core.tax.rules import seller_for

__all__ = ["SellerRoutes", "SellingEntity", "seller_for"]
