"""Content delivery: one folder a provider, each signing links in that provider's own scheme."""
