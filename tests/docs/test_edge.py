"""The page of the edge shows limits that work."""

from __future__ import annotations

import json
import re
from pathlib import Path

from buddy_core.limits import DEFAULT_POLICY, group_of, policy_from
from buddy_web.rate_limits import policy_of

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "edge.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```json\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_example_of_a_file_is_a_policy(tmp_path: Path) -> None:
    """What the page shows can be copied: it is read as a policy, and its routes have the groups it says."""
    (example,) = EXAMPLES
    file = tmp_path / "limits.json"
    file.write_text(example, "utf-8")
    policy = policy_of(file, is_demo=False)
    assert policy == policy_from(json.loads(example))
    for method, route, group in (
        ("POST", "/sign-in", "login"),
        ("GET", "/admin", "staff"),
        ("POST", "/v1/admin/users/usr_1/tokens", "staff"),
        ("GET", "/media/clip/144p/00001.ts", "free"),
        ("GET", "/wallet", "default"),
    ):
        assert group_of(policy, method, route) == group


def test_the_answer_that_is_shown_is_of_a_rule_that_is_there() -> None:
    """The headers of the example have the numbers of the default policy."""
    shown = re.findall(r'^RateLimit-Policy: "([a-z:]+)";q=(\d+);w=(\d+)$', TEXT, re.MULTILINE)
    rules = {rule.name: (rule.count, rule.window_s) for rule in DEFAULT_POLICY.rules}
    assert shown
    assert [(int(count), int(window)) for _, count, window in shown] == [rules[name] for name, *_ in shown]
