"""Pools with too many watch rows for fractions: whole numbers with a proven bound, and what rows must be."""
