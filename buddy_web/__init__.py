"""A thin Flask host that wires the core to the adapters and carries requests."""
