"""The calculations of royalty accounting one by one: each stands alone, exact and rounded, with no port."""
