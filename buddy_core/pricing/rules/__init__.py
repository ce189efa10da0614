"""The rules of pricing: quoting, honouring, the next version, and reading rules from data."""
