"""A month of watch rows added up where it lies: Parquet files, one Ibis expression, DuckDB."""

from buddy_adapters.warehouse.watch_totals import DuckdbWatchTotals

__all__ = ["DuckdbWatchTotals"]
