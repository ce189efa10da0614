"""Sample values for the producer's pages: figures, statements, and how an amount came about."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

from attrs import evolve

from buddy_core.kernel.ids import EntityId
from buddy_core.kernel.money import Money
from buddy_core.views import (
    AccountFigure,
    BalanceFigure,
    ModelChange,
    ModelFigure,
    MonthFigure,
    OtherTitles,
    ProducerPage,
    ProducersPage,
    Progress,
    ShareFigure,
    StatementChoice,
    StatementLine,
    StatementPage,
    StatementTerritory,
    StatementTitle,
    StepFigure,
    TitleFigure,
    WhyInput,
    WhyLine,
    WhyPage,
    WhyPart,
)
from buddy_core.views.stated import MonthState
from buddy_core.views.statement import LinesShown
from tests.web.samples.numbers import DIGEST, ZONE, rupees

NEWTACT = EntityId("newtact")
FILMS = "Blue Lantern Films"


def _month(name: str, state: MonthState, paid: int | None = None, **models: int) -> MonthFigure:
    figures = tuple(ModelFigure(model, rupees(minor)) for model, minor in models.items())
    earned = sum(models.values())
    return MonthFigure(name, rupees(earned), rupees(earned if paid is None else paid), state, figures)


_MONTHS = (
    _month("2025-12", "closed", tokens=210_000),
    _month("2026-01", "closed", tokens=480_300),
    _month("2026-02", "closed", tokens=702_510, ads=12_400),
    _month("2026-03", "closed", 0, rental=310_000, tokens=690_000, ads=60_000),
    _month("2026-04", "closed", 0, rental=905_000, tokens=612_000, ads=80_250),
    _month("2026-05", "closed", 0, rental=720_000, tokens=488_000, ads=91_000),
    _month("2026-06", "closed", 0),
    _month("2026-07", "closed", 0, rental=404_530, subscription=620_000, tokens=180_000),
    _month("2026-08", "closed", 312_000, rental=518_960, subscription=1_200_000, tokens=400_000),
    _month("2026-09", "closed", 1_503_000, rental=-40_000, subscription=1_420_010, tokens=460_000),
    _month("2026-10", "ended", 2_513_272, rental=741_590, subscription=1_900_000, tokens=500_000),
    _month("2026-11", "running", 2_913_648, rental=942_060, subscription=2_100_000, tokens=600_000),
)
_NOTHING = BalanceFigure(rupees(0), rupees(0), rupees(0), rupees(0))
_PROGRESS = (
    Progress("advance", rupees(5_000_000), rupees(3_210_000), rupees(314_159), rupees(1_475_841)),
    Progress("guarantee", rupees(12_000_000), rupees(7_004_000), rupees(3_141_590), rupees(1_854_410)),
    Progress("reserve", rupees(628_318), rupees(314_159), rupees(314_159), rupees(628_318)),
)
_ACCOUNT = AccountFigure(
    "newtact-account-1",
    "b7kd-films",
    "INR",
    rupees(3_141_590),
    BalanceFigure(rupees(3_210_000), rupees(0), rupees(314_159), rupees(7_004_000)),
    (
        StepFigure("earned", "", rupees(3_141_590), rupees(3_141_590)),
        StepFigure("held back", "1/10 for 3 months", rupees(-314_159), rupees(2_827_431)),
        StepFigure("recouped", "", rupees(-314_159), rupees(2_513_272)),
        StepFigure("withheld", "IN:194J 1/10", rupees(-251_327), rupees(2_261_945)),
    ),
    rupees(2_261_945),
    BalanceFigure(rupees(3_524_159), rupees(0), rupees(628_318), rupees(10_145_590)),
    _PROGRESS,
    "Account b7kd-films of Blue Lantern Films, in INR. Earned: 31415.90, leaves 31415.90. Paid: 22619.45.",
)
_PLAIN_ACCOUNT = AccountFigure(
    "newtact-account-2",
    "b7kd:INR",
    "INR",
    rupees(160),
    _NOTHING,
    (StepFigure("earned", "", rupees(160), rupees(160)),),
    rupees(160),
    _NOTHING,
    (),
    "Account b7kd:INR of Blue Lantern Films, in INR. Earned: 1.60, leaves 1.60. Paid: 1.60.",
)
PRODUCER = ProducerPage(
    FILMS,
    "INR",
    _MONTHS[-1],
    _MONTHS[-2],
    _MONTHS,
    (
        ModelChange("rental", rupees(942_060), rupees(741_590), "model-rental", "model-rental"),
        ModelChange(
            "subscription", rupees(2_100_000), rupees(1_900_000), "model-subscription", "model-subscription"
        ),
        ModelChange("ads", rupees(0), rupees(0)),
        ModelChange("tokens", rupees(600_000), rupees(500_000), "model-tokens", "model-tokens"),
    ),
    (
        TitleFigure(
            "series-ln1", "Night Ferry", "series", 18_204, ("subscription", "tokens"), rupees(1_820_400)
        ),
        TitleFigure("film-ln2", "Salt Road", "film", 0, ("rental", "subscription"), rupees(1_404_660)),
        TitleFigure("short-ln3", "Eleven Minutes", "short", 13_894, ("tokens",), rupees(417_000)),
    ),
    (_ACCOUNT,),
    ("INR", "USD"),
    OtherTitles(1_204, rupees(77_090)),
)
PRODUCER_NEW = ProducerPage("Marigold Pictures", "INR", _month("2026-11", "running"))
PRODUCERS = ProducersPage(((FILMS, "b7kd"), ("Marigold Pictures", "m3xq")))


def _line(name: str, model: str, base: Fraction, rate: Fraction, minor: int, **more: str) -> StatementLine:
    about = {"step": "", "kind": "", "refund_of": "", "adjusts": "", **more}
    return StatementLine(
        name,
        model,
        "L-7c1d",
        net=base,
        base=base,
        rate=rate,
        exact=base * rate,
        amount=rupees(minor),
        **about,
    )


STATEMENT = StatementPage(
    "2026-10",
    "closed",
    FILMS,
    NEWTACT,
    "Newtact Media",
    "INR",
    ZONE,
    (
        StatementTitle(
            "film-ln2",
            "Salt Road",
            "film",
            rupees(3_141_430),
            (
                StatementTerritory(
                    "AE", (_line("film-ln2.1", "rental", Fraction(250_000), Fraction(7, 10), 175_000),)
                ),
                StatementTerritory(
                    "IN",
                    (
                        _line(
                            "film-ln2.2", "rental", Fraction(-3_000), Fraction(3, 5), -1_800,
                            refund_of="2026-09",
                        ),
                        _line(
                            "film-ln2.3", "subscription", Fraction(4_947_050), Fraction(3, 5), 2_968_230,
                            adjusts="2026-09",
                        ),
                    ),
                ),
            ),
        ),
        StatementTitle(
            "series-ln1",
            "Night Ferry",
            "series",
            rupees(160),
            (
                StatementTerritory(
                    "IN",
                    (
                        _line("series-ln1.1", "tokens", Fraction(250), Fraction(3, 5), 150, kind="bonus"),
                        _line("series-ln1.2", "tokens", Fraction(50, 3), Fraction(3, 5), 10, kind="paid"),
                    ),
                ),
            ),
        ),
    ),
    rupees(3_141_590),
    Fraction(1, 4),
    (
        ShareFigure("b7kd-films", "", rupees(3_141_430), Fraction(1), rupees(3_141_430)),
        ShareFigure("b7kd-usd", "2026-09", rupees(160), Fraction(1, 83), Money(2, "USD")),
    ),
    (_ACCOUNT, _PLAIN_ACCOUNT),
    rupees(2_262_105),
    (StatementChoice(EntityId("atlas"), "Atlas Media", "USD"),),
    datetime(2026, 11, 1, 4, 30, tzinfo=UTC),
    DIGEST,
)  # fmt: skip
STATEMENT_PAGED = evolve(
    STATEMENT,
    titles=(evolve(STATEMENT.titles[0], is_continued=True), STATEMENT.titles[1]),
    lines=LinesShown(2, 101, 200, 5_000),
)
STATEMENT_RUNNING = StatementPage(
    "2026-11",
    "running",
    "Marigold Pictures",
    NEWTACT,
    "Newtact Media",
    "INR",
    ZONE,
    (),
    rupees(0),
    Fraction(0),
    (),
    (),
    rupees(0),
)
_TOKENS = WhyLine(
    "IN",
    "tokens",
    "",
    "3 bonus tokens were spent on Night Ferry in IN, worth 2.50 INR by value version 1, as stamped when "
    "they were spent. By deal L-7c1d Blue Lantern Films has 60 % of 2.50 INR: 1.50 INR. Rule royalty/1; "
    "nothing was rounded here, the statement rounds once.",
    (
        WhyInput("kind", text="bonus"),
        WhyInput("tokens", number=Fraction(3)),
        WhyInput("value", amount=Fraction(250)),
        WhyInput("value_version", text="1"),
    ),
    Fraction(250),
    Fraction(1),
    Fraction(250),
    Fraction(0),
    Fraction(0),
    Fraction(250),
    Fraction(3, 5),
    Fraction(150),
    "royalty/1",
)
_POOLED = WhyLine(
    "IN",
    "subscription",
    "",
    "Night Ferry in IN has 11.90 INR of the pool plus/IN/INR: 2600.00 INR after tax and fees.",
    (
        WhyInput("pool", text="plus/IN/INR"),
        WhyInput("pool_net", amount=Fraction(260_000)),
        WhyInput("method", text="user_centric"),
        WhyInput("seconds", number=Fraction(7_210, 3)),
        WhyInput("pool_seconds", number=Fraction(1_204_000)),
    ),
    Fraction(1_190),
    Fraction(7, 10),
    Fraction(833),
    Fraction(83),
    Fraction(250),
    Fraction(500),
    Fraction(1, 3),
    Fraction(500, 3),
    "royalty/1",
)
_LATE = WhyLine(
    "IN",
    "rental",
    "2026-09",
    "This adjusts 2026-09, which was closed before all of it was known.",
    (
        WhyInput("refund_of", text="2026-09"),
        WhyInput("was", amount=Fraction(60)),
        WhyInput("is", amount=Fraction(0)),
    ),
    Fraction(-100),
    Fraction(1),
    Fraction(-100),
    Fraction(0),
    Fraction(0),
    Fraction(-100),
    Fraction(3, 5),
    Fraction(-60),
    "royalty/1",
)
WHY = WhyPage(
    "2026-10",
    "closed",
    FILMS,
    "INR",
    "newtact",
    "Night Ferry",
    None,
    Fraction(770, 3),
    rupees(257),
    (_TOKENS, _POOLED, _LATE),
)
WHY_MODEL = WhyPage(
    "2026-11",
    "running",
    FILMS,
    "INR",
    None,
    None,
    "rental",
    Fraction(942_060),
    rupees(942_060),
    (),
    (
        WhyPart("model-rental.film-ln2", "", "Salt Road", "", "rental", "", rupees(942_000)),
        WhyPart("model-rental.short-ln3", "", "Eleven Minutes", "", "rental", "", rupees(60)),
    ),
)
WHY_MANY = WhyPage(
    "2026-10",
    "closed",
    FILMS,
    "INR",
    None,
    "Salt Road",
    None,
    Fraction(3_141_430),
    rupees(3_141_430),
    (),
    (
        WhyPart("film-ln2.1", "newtact", "Salt Road", "AE", "rental", "", rupees(3_141_000)),
        WhyPart("film-ln2.2", "newtact", "Salt Road", "IN", "rental", "2026-09", rupees(430)),
    ),
)
