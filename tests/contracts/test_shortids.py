"""The contracts of the `ShortIds` and `ShortIdBooks` ports, on every store."""

from __future__ import annotations

from tests.contracts.shortids_contract import ShortIdsContract


class TestShortIds(ShortIdsContract):
    """What every store keeps."""
