"""A month of watch rows added up where it lies: Parquet files, one Ibis expression, DuckDB."""

from buddy_adapters.warehouse.fact_tables import parquet_facts
from buddy_adapters.warehouse.watch_totals import DuckdbWatchTotals

__all__ = ["DuckdbWatchTotals", "parquet_facts"]
