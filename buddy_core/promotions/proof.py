"""Hold promotions against the audit and claims against the ledger, and name what does not fit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.proof import Fault
from buddy_core.promotions.model import Claim, Earned, Promotion

PROMOTIONS, CLAIMS = "promotions", "promotions_claims"


def check_promotions(
    promotions: Sequence[Promotion],
    claims: Sequence[Claim],
    told: Mapping[tuple[str, int], str],
    earned: Sequence[Earned],
) -> list[Fault]:
    """Return the versions that the audit does not tell of, and claims and entries without each other.

    `told` is each version as the audit has it, canonical, by code and number.
    """
    return [
        *_check_versions(promotions, told),
        *_check_entries(claims, {item.entry_id: item for item in earned}),
        *_check_claims(claims, {(item.code, item.version): item for item in promotions}),
    ]


def _check_versions(promotions: Sequence[Promotion], told: Mapping[tuple[str, int], str]) -> list[Fault]:
    kept = {(item.code, item.version): canonical_bytes(item).decode() for item in promotions}
    faults = []
    for code, version in sorted(kept.keys() | told.keys()):
        row = f"{code} version {version}"
        if (code, version) not in told:
            faults.append(Fault(PROMOTIONS, row, "inserted: the audit does not tell of it"))
        elif (code, version) not in kept:
            faults.append(Fault(PROMOTIONS, row, "missing: the audit tells of it"))
        elif kept[code, version] != told[code, version]:
            faults.append(Fault(PROMOTIONS, row, "altered: the audit tells of another"))
    return faults


def _check_entries(claims: Sequence[Claim], earned: Mapping[object, Earned]) -> list[Fault]:
    faults = []
    paid = set()
    for claim in claims:
        wanted = Earned(
            claim.entry_id, claim.account_id, claim.code, claim.tokens, claim.as_guest, claim.claimed_at
        )
        if earned.get(claim.entry_id) == wanted and claim.entry_id not in paid:
            paid.add(claim.entry_id)
        else:
            problem = "inserted or altered: no entry of the ledger is like it"
            faults.append(Fault(CLAIMS, _row(claim), problem))
    missing = [item for entry_id, item in earned.items() if entry_id not in paid]
    return faults + [
        Fault(CLAIMS, f"{item.code} entry {item.entry_id}", "missing or altered: the ledger has this entry")
        for item in sorted(missing, key=lambda item: (item.code, item.entry_id))
    ]


def _check_claims(claims: Sequence[Claim], versions: Mapping[tuple[str, int], Promotion]) -> list[Fault]:
    by_code: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_code[claim.code].append(claim)
    faults = []
    for _, mine in sorted(by_code.items()):
        accounts, devices = set(), set()
        for place, claim in enumerate(sorted(mine, key=lambda item: item.number), start=1):
            problem = _problem(claim, versions.get((claim.code, claim.version)))
            if claim.number != place:
                problem = f"missing or inserted: {place} comes before {place + 1}"
            elif claim.account_id in accounts:
                problem = "inserted: this account has claimed before"
            elif claim.as_guest and claim.device_id in devices:
                problem = "inserted: this device has claimed before"
            accounts.add(claim.account_id)
            devices.add(claim.device_id)
            if problem:
                faults.append(Fault(CLAIMS, _row(claim), problem))
    return faults


def _problem(claim: Claim, promotion: Promotion | None) -> str:
    if promotion is None:
        return "altered: there is no such version of the promotion"
    if not promotion.starts_at <= claim.claimed_at < promotion.ends_at:
        return "altered: the promotion did not count then"
    if claim.number > promotion.limit or claim.tokens != promotion.tokens:
        return "altered: the promotion does not bring that"
    if claim.as_guest and not promotion.for_guests:
        return "altered: the promotion is not for guests"
    return ""


def _row(claim: Claim) -> str:
    return f"{claim.code} {claim.number}"
