"""The engines that `benchmarks/entitlements.py` measures beside Buddy answer the same questions alike."""

from __future__ import annotations

from benchmarks import entitlements
from buddy_core.entitlements import Allowed, Denied, Reason, decide


def test_three_engines_agree_near_and_far_from_every_edge() -> None:
    """Casbin, Cedar and `decide` say yes and no to the same questions, and neither is rare."""
    questions = entitlements.sample(400)
    granted = entitlements.agree([*questions, *entitlements.MIX])
    assert 20 < granted < 300


def test_the_measured_mix_is_allowed_and_denied_in_turn() -> None:
    """In three territories over eight windows one viewer with four grants may watch and another may not."""
    film = entitlements.title()
    assert len(film.windows) == 8
    assert {len(item.viewer.holdings) for item in entitlements.MIX} == {4}
    answers = [decide(item.viewer, film, item.context, item.at) for item in entitlements.MIX]
    assert [isinstance(answer, Allowed) for answer in answers] == [True, False] * 3
    reasons = [answer.reason for answer in answers if isinstance(answer, Denied)]
    assert reasons == [Reason.RENTAL_ENDED, Reason.RENTAL_ENDED, Reason.OVER]
