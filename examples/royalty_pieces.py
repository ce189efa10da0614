"""A month of a small service by hand: pool, recoupment, tiers, guarantee, a film; needs attrs alone."""

from buddy_core.royalty import (
    CountRules,
    PoolMethod,
    Step,
    Subscriber,
    Tier,
    guarantee_progress,
    recoup,
    run_waterfall,
    share_pool,
    tiered_by_units,
)

# Paise, and seconds watched by holder. Asha watched Blue Lantern for less than a minute; dev watched nothing.
SUBSCRIBERS = [
    Subscriber(19900, {"marigold": 7200, "blue lantern": 40}, "asha"),
    Subscriber(19900, {"marigold": 600, "blue lantern": 5400}, "ravi"),
    Subscriber(29900, {"blue lantern": 90000}, "meera"),
    Subscriber(19900, {}, "dev"),
]
COUNTED = CountRules(min_units=60)

for method in (PoolMethod.PRO_RATA, PoolMethod.USER_CENTRIC, PoolMethod.EQUAL_PER_SUBSCRIBER):
    pool = share_pool(method, SUBSCRIBERS, fee_percent=30, count=COUNTED, silent="platform")
    shares = ", ".join(f"{holder} {share}" for holder, share in pool.minor.items())
    print(f"{method.value}: {shares}, platform {pool.fee.minor + pool.platform.minor}")
    assert sum(pool.minor.values()) + pool.fee.minor + pool.platform.minor == 89600

by_use = share_pool("user_centric", SUBSCRIBERS, fee_percent=30, count=COUNTED, silent="platform")
advance = recoup(by_use.exact["marigold"], 50000, recouped_before=40000)
print(f"marigold: {advance.recouped.minor} recouped, {advance.payable.minor} paid")

TIERS = [Tier(0, 1000, 50), Tier(1000, None, 60)]
rentals = tiered_by_units(300, 300 * 9900, TIERS, units_before=900)
print(
    f"rentals: {[int(part.counted) for part in rentals.parts]} units a tier, {rentals.royalty.minor} royalty"
)

year = guarantee_progress([rentals.royalty.minor], 12, 25_000_000)
print(f"guarantee: {year.projected.minor} projected, {year.shortfall_risk.minor} at risk")

film = run_waterfall(
    50_000_000,
    [
        Step.of_gross("exhibitors", 45),
        Step.of_remaining("distributor", 20),
        Step.of_gross("expenses", 10, cap=3_000_000),
        Step.recoup("bank", 12_000_000),
        Step.premium("equity", 5_000_000, 120),
    ],
    {"director": 10, "cast": 15},
)
for name, taken in film.takers.items():
    print(f"film: {name} {taken.minor}")
print(f"film: producer {film.unshared.minor}")
