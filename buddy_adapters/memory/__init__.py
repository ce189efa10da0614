"""Every port in memory: the reference, the fake and the store of the examples."""

from buddy_adapters.memory.unit_of_work import MemoryTx, MemoryUnitOfWork

__all__ = ["MemoryTx", "MemoryUnitOfWork"]
