"""Territories, windows, licences, maturity and takedowns, and the book of all of them that a title has."""
