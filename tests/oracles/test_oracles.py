"""Cases from outside, answered by Buddy's public functions through adapters that only rename."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

# The two keys say where a figure of the case comes from; they are not answers.
NOT_ANSWERS = frozenset({"shares_source", "share_source"})


def exact(answers: dict[str, Any]) -> str:
    """Write answers so that 1, true, "1" and 1.0 all differ, and the order of keys does not count."""
    return json.dumps(answers, sort_keys=True, indent=1, ensure_ascii=False)


def test_case(oracle_case: Any, record_property: Any) -> None:
    """Every key that the case expects is answered, and answered exactly so."""
    record_property("oracle_topic", oracle_case.topic)
    wanted = {name: value for name, value in oracle_case.expected.items() if name not in NOT_ANSWERS}
    answered = oracle_case.answer()
    assert exact({name: answered[name] for name in wanted if name in answered}) == exact(wanted)


def test_topic_is_built_or_listed(oracle_topic: Any) -> None:
    """A topic has an adapter or stands in not_yet.py, never both and never neither."""
    assert oracle_topic.has_adapter is not oracle_topic.is_listed


def test_groups_are_built_or_listed(oracle_topic: Any) -> None:
    """Each group of a built topic's cases has a function or stands in not_yet.py, never both."""
    built, listed = oracle_topic.groups_built, oracle_topic.groups_listed
    named = {case.group for case in oracle_topic.cases if oracle_topic.has_adapter and built}
    assert built.isdisjoint(listed)
    assert named <= built | listed


def test_case_ids_are_distinct(oracle_topic: Any) -> None:
    """No two cases of a topic share an id, so that found and run count the same things."""
    repeated = [name for name, times in Counter(c.id for c in oracle_topic.cases).items() if times > 1]
    assert repeated == []
