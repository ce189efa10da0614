"""Every port in memory: the reference, the fake and the store of the examples."""
