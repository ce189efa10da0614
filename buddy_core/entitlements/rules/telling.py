"""A trace as plain text for support staff, and as primitives for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from buddy_core.entitlements.model.answers import Allowed, Decision
from buddy_core.entitlements.model.facts import Rights
from buddy_core.entitlements.rules.explaining import Seen, Trace, when


def tell(trace: Trace) -> str:
    """Return a trace as short lines: the answer, the rules in order, what might have opened it, the facts."""
    rule = trace.decided_by
    lines = [f"title {trace.title} at {when(trace.at)}", f"answer: {tell_answer(trace.decision)}"]
    if rule is not None:
        lines.append(f"because {rule.why}")
    lines += ["", "rules, the first that applies is the answer:"]
    for place, asked in enumerate(trace.rules, 1):
        mark = ">" if asked is rule else "x" if asked.applies else " "
        lines.append(f"{mark} {place:>2} {asked.reason}: {asked.why}")
    lines += ["", "windows and grants:"]
    for item in trace.sources:
        lines.append(f"  {item.verdict.replace('_', ' ')}: {item.kind} {item.id}")
        lines.append(f"      {when(item.starts_at)} until: {when(item.ends_at)}{_rights(item.rights)}")
        lines.append(f"      {item.why}")
        if item.gave:
            lines.append(f"      gave {', '.join(item.gave)}")
    if not trace.sources:
        lines.append("  none")
    lines += ["", "facts:", *(f"  {fact.name}: {fact.value}" for fact in trace.facts)]
    return "\n".join(lines) + "\n"


def tell_answer(decision: Decision) -> str:
    """Return an answer in one line."""
    if isinstance(decision, Allowed):
        grace = ", in grace" if decision.is_in_grace else ""
        rights = Rights(decision.max_height, decision.ads, decision.downloads, decision.streams)
        return (
            f"yes, by {decision.kind} {decision.via}, until: {when(decision.until)}{_rights(rights)}{grace}"
        )
    ways = f"; opened by {', '.join(decision.unlockable_by)}" if decision.unlockable_by else ""
    opens = f"; opens {when(decision.opens_at)}" if decision.opens_at is not None else ""
    return f"no, {decision.reason}{ways}{opens}"


def trace_data(trace: Trace) -> Mapping[str, Any]:
    """Return a trace as primitives, ready for JSON: the same trace gives the same bytes.

    Instants are text in UTC, ids are text, and no end is null.
    """
    context, profile = trace.context, trace.context.profile
    rule = trace.decided_by
    return {
        "title_id": str(trace.title),
        "at": when(trace.at),
        "context": {
            "country": context.country,
            "channel": str(context.channel),
            "max_age": profile.max_age,
            "pin_above": profile.pin_above,
            "is_pin_given": profile.is_pin_given,
            "streams": context.streams,
            "session_id": None if context.session_id is None else str(context.session_id),
        },
        "answer": answer_data(trace.decision),
        "decided_by": None if rule is None else str(rule.reason),
        "rules": [
            {"reason": str(item.reason), "applies": item.applies, "why": item.why} for item in trace.rules
        ],
        "sources": [_seen(item) for item in trace.sources],
        "facts": [{"name": item.name, "value": item.value} for item in trace.facts],
    }


def answer_data(decision: Decision) -> dict[str, Any]:
    """Return an answer as primitives."""
    if isinstance(decision, Allowed):
        untils = decision.untils
        return {
            "is_allowed": True,
            "via": str(decision.via),
            "kind": str(decision.kind),
            "until": _instant(decision.until),
            "max_height": decision.max_height,
            "ads": decision.ads,
            "downloads": decision.downloads,
            "streams": decision.streams,
            "untils": {
                "max_height": _instant(untils.max_height),
                "ads": _instant(untils.ads),
                "downloads": _instant(untils.downloads),
                "streams": _instant(untils.streams),
            },
            "is_in_grace": decision.is_in_grace,
        }
    return {
        "is_allowed": False,
        "reason": str(decision.reason),
        "unlockable_by": list(decision.unlockable_by),
        "opens_at": _instant(decision.opens_at),
    }


def _seen(item: Seen) -> dict[str, Any]:
    rights = item.rights
    return {
        "id": str(item.id),
        "kind": str(item.kind),
        "is_grant": item.is_grant,
        "starts_at": when(item.starts_at),
        "ends_at": _instant(item.ends_at),
        "rights": None
        if rights is None
        else {
            "max_height": rights.max_height,
            "ads": rights.ads,
            "downloads": rights.downloads,
            "streams": rights.streams,
        },
        "verdict": str(item.verdict),
        "why": item.why,
        "gave": list(item.gave),
        "lost_to": None if item.lost_to is None else str(item.lost_to),
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else when(at)


def _rights(rights: Rights | None) -> str:
    if rights is None:
        return ""
    ads = "with ads" if rights.ads else "no ads"
    downloads = "downloads" if rights.downloads else "no downloads"
    return f", {rights.max_height} lines, {ads}, {downloads}, {rights.streams} at once"
