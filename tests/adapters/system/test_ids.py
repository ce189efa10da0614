"""Ids: valid UUIDv7 that only grow, and sequences that repeat."""

from __future__ import annotations

import itertools
import re
import threading
import time
from uuid import RFC_4122, UUID

import pytest

from buddy_adapters.system import SequentialIds, SystemIds
from buddy_core.kernel import IdSource


@pytest.mark.parametrize("ids", [SystemIds(), SequentialIds(7)], ids=["system", "sequential"])
def test_ids_are_uuid7_and_grow(ids: IdSource) -> None:
    """Every id has version 7 and the RFC's variant, and is greater than the one before."""
    made = [ids.uuid7() for _ in range(2_000)]
    assert {(item.version, item.variant) for item in made} == {(7, RFC_4122)}
    assert all(first < second for first, second in itertools.pairwise(made))


def test_a_system_id_tells_its_millisecond() -> None:
    """The first 48 bits are the Unix time in milliseconds at which the id was made."""
    before = time.time_ns() // 1_000_000
    milliseconds = SystemIds().uuid7().int >> 80
    assert before <= milliseconds <= time.time_ns() // 1_000_000


def test_threads_share_one_growing_sequence() -> None:
    """Ids made by many threads at once are all different, and each thread sees its own grow."""
    ids = SystemIds()
    made: list[list[UUID]] = [[] for _ in range(8)]

    def work(place: int) -> None:
        made[place] = [ids.uuid7() for _ in range(500)]

    threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({item for own in made for item in own}) == 4_000
    assert all(own == sorted(own) for own in made)


@pytest.mark.parametrize("ids", [SystemIds(), SequentialIds()], ids=["system", "sequential"])
def test_opaque_ids_have_their_prefix(ids: IdSource) -> None:
    """An opaque id is its prefix, an underscore and 32 hex digits, and never comes twice."""
    made = {ids.opaque("ses") for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"ses_[0-9a-f]{32}", item) for item in made)


def test_the_same_seed_gives_the_same_ids() -> None:
    """Two sources of one seed say the same in the same order; another seed says something else."""

    def sample(seed: int) -> list[object]:
        ids = SequentialIds(seed)
        return [ids.uuid7(), ids.opaque("rwd"), ids.uuid7()]

    assert sample(1) == sample(1)
    assert not set(sample(1)) & set(sample(2))
