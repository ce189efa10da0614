"""How values read: money, tokens, time and durations through Babel, in the reader's locale and zone."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import segno
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_symbol
from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from buddy_core.kernel.canonical import instant_text
from buddy_core.kernel.currencies import EXPONENTS, minor_digits
from buddy_core.kernel.digits import is_readable
from buddy_core.kernel.money import Money
from buddy_core.kernel.rounding import Rounding, round_fraction
from buddy_web import charts, words

DEFAULT_LOCALE = "en_IN"
DEFAULT_ZONE = "Asia/Kolkata"

_WEEK = 7
"""From so many days on an end is said by its date alone."""
_MINOR_NAMES = {"INR": "paise", "USD": "cents", "AED": "fils", "EUR": "cents", "GBP": "pence", "KWD": "fils"}


def babel_locale(tag: str) -> Locale:
    """Return Babel's locale for `en-IN` or `en_IN`; its language or English where that is unknown."""
    parts = tag.replace("-", "_").split("_")
    for candidate in ("_".join(parts), parts[0], "en"):
        try:
            return Locale.parse(candidate)
        except (UnknownLocaleError, ValueError):
            continue
    raise AssertionError("Babel always knows English")


def lang(tag: str) -> str:
    """Return the BCP 47 tag for the `lang` attribute."""
    return tag.replace("_", "-")


def direction(tag: str) -> str:
    """Return `rtl` or `ltr`, after the locale's script."""
    return babel_locale(tag).text_direction


def money(value: Money, locale: str = DEFAULT_LOCALE) -> str:
    """Return the amount with its symbol and every minor digit: `₹12,34,567.50`."""
    return _currency(Fraction(value.minor), value.currency, locale)


def price(value: Money, locale: str = DEFAULT_LOCALE) -> str:
    """Return a price with its symbol, without minor digits where there are none: `₹49`, `$3.99`."""
    scale = 10 ** minor_digits(value.currency)
    if value.minor % scale:
        return money(value, locale)
    found = babel_locale(locale)
    pattern = pattern_with_digits(_currency_pattern(value.currency, found), 0)
    text: str = format_currency(value.minor // scale, value.currency, pattern, found, currency_digits=False)
    return text


def exact_money(minor: Fraction | int, currency: str, locale: str = DEFAULT_LOCALE) -> str:
    """Return an exact amount in minor units: all of its digits, or, where they never end, the fraction too.

    `Fraction(3, 5)` of a US cent reads `$0.006`; `Fraction(50, 3)` paise reads `₹0.1667… (50/3 paise)`.
    A fraction of long numbers, such as a share of many subscribers, is left out: nobody can read it.
    """
    minor = Fraction(minor)
    if not is_readable(minor):
        return near_money(minor, currency, locale)
    if _terminates(minor.denominator):
        return _currency(minor, currency, locale)
    digits = minor_digits(currency)
    unit = _MINOR_NAMES.get(currency, f"1/{10**digits} {currency}" if digits else currency)
    return f"{near_money(minor, currency, locale)} ({minor.numerator}/{minor.denominator} {unit})"


def near_money(minor: Fraction, currency: str, locale: str = DEFAULT_LOCALE) -> str:
    """Return an exact amount to a hundredth of the minor unit, with `…` where that is not all of it."""
    rounded = Fraction(round_fraction(minor * 100, Rounding.HALF_UP), 100)
    return _currency(rounded, currency, locale) + ("" if rounded == minor else "…")


def about_money(value: Money, locale: str = DEFAULT_LOCALE) -> str:
    """Return an amount to the whole unit, for a chart: `₹20,382`."""
    scale = 10 ** minor_digits(value.currency)
    whole = round_fraction(Fraction(value.minor, scale), Rounding.HALF_UP)
    return price(Money(whole * scale, value.currency), locale)


def _currency(minor: Fraction, currency: str, locale: str) -> str:
    """Format minor units whose decimals end, with at least the currency's own digits."""
    digits = minor_digits(currency)
    major = _decimal(minor / 10**digits)
    scale = -int(major.as_tuple().exponent)
    if scale < digits:
        with localcontext(prec=60):
            major = major.quantize(Decimal(1).scaleb(-digits))
    found = babel_locale(locale)
    shown = pattern_with_digits(_currency_pattern(currency, found), max(scale, digits))
    text: str = format_currency(
        major, currency, shown, found, currency_digits=False, decimal_quantization=False
    )
    return text


def _currency_pattern(currency: str, locale: Locale) -> str:
    pattern: str = locale.currency_formats["standard"].pattern
    if get_currency_symbol(currency, locale)[-1:].isalpha():
        # CLDR keeps letters and digits apart: KWD 12.345.
        pattern = re.sub("¤(?=[#0])", "¤\u00a0", pattern)
    return pattern


def pattern_with_digits(pattern: str, digits: int) -> str:
    """Return a CLDR number pattern with exactly `digits` decimals in each of its parts."""
    parts = []
    for part in pattern.split(";"):
        head, dot, tail = part.partition(".")
        rest = tail.lstrip("0#") if dot else ""
        if not dot:
            last = max(head.rfind("0"), head.rfind("#")) + 1
            head, rest = head[:last], head[last:]
        parts.append(head + ("." + "0" * digits if digits else "") + rest)
    return ";".join(parts)


def _terminates(denominator: int) -> bool:
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    return denominator == 1


def _decimal(value: Fraction) -> Decimal:
    """Return the decimal that equals `value`, whose denominator has only twos and fives."""
    with localcontext(prec=60):
        return Decimal(value.numerator) / Decimal(value.denominator)


def number(value: int, locale: str = DEFAULT_LOCALE) -> str:
    """Return a whole number with the locale's grouping."""
    return format_decimal(value, locale=babel_locale(locale))


def signed(value: int, locale: str = DEFAULT_LOCALE) -> str:
    """Return a whole number that always shows its sign (with a true minus)."""
    return ("+" if value > 0 else "−" if value < 0 else "") + number(abs(value), locale)


def percent(value: Fraction, locale: str = DEFAULT_LOCALE) -> str:
    """Return a share of one as a percentage, to two decimals at most."""
    hundredths = round(value * 10_000)
    return format_percent(Decimal(hundredths) / 10_000, format="#,##0.##%", locale=babel_locale(locale))


def step_note(note: str, currency: str, locale: str = DEFAULT_LOCALE) -> str:
    """Return the note of a settling step with its amounts and rates as they are read.

    `minimum 5000.00 INR` reads `minimum ₹5,000.00`. Statements closed earlier have minor units and
    fractions: `minimum 500000` reads the same, and `IN:194J 1/10` reads `IN:194J, 10%`.
    """

    def amount(found: re.Match[str]) -> str:
        return f"{found[1]}{money(Money(int(found[2]), currency), locale)}{found[3]}"

    def rate(found: re.Match[str]) -> str:
        return f"{found[1].strip()}{', ' if found[1] else ''}{percent(Fraction(found[2]), locale)}{found[3]}"

    def written(found: re.Match[str]) -> str:
        digits = len(found[1].partition(".")[2])
        if digits != EXPONENTS.get(found[2]):
            return found[0]  # a rate of exchange, or no money
        return money(Money(int(found[1].replace(".", "")), found[2]), locale)

    note = re.sub(r"^(minimum |paid from )([0-9]+)( on|)$", amount, note)
    note = re.sub(r"(-?[0-9]+(?:\.[0-9]+)?) ([A-Z]{3})\b", written, note)
    note = re.sub(r"([0-9]) %", r"\1%", note)
    return re.sub(r"^((?:.* )?)([0-9]+(?:/[0-9]+)?)( for [0-9]+ months|)$", rate, note)


def explained(text: str, currency: str, territory: str, locale: str = DEFAULT_LOCALE) -> str:
    """Return the words of a statement's line with amounts, numbers, months and its country as they are read.

    `about 6243.9942 (exactly 7492793/1200) INR` reads `about ₹6,243.99`; what it is exactly stands below.
    """
    scale = 10 ** minor_digits(currency)

    def amount(found: re.Match[str]) -> str:
        minor = Fraction(found[2]) * scale
        if found[1]:
            return f"{found[1]}{money(Money(round_fraction(minor, Rounding.HALF_UP), currency), locale)}"
        return _currency(minor, currency, locale)

    def counts(found: re.Match[str]) -> str:
        return f"{number(int(found[1]), locale)} of {number(int(found[2]), locale)}{found[3]}"

    text = re.sub(rf"(about |)(-?[0-9]+(?:\.[0-9]+)?)(?: \(exactly [^)]*\))? {currency}\b", amount, text)
    text = re.sub(r"\b([0-9]+) of ([0-9]+)( counted seconds| seconds watched| ads shown)", counts, text)
    text = re.sub(
        r"\b(This adjusts|paid for in) ([0-9]{4}-[0-9]{2})\b",
        lambda found: f"{found[1]} {month(found[2], locale)}",
        text,
    )
    return re.sub(rf" in {territory}\b", f" in {country(territory, locale)}", text).replace(" %", "%")


def count(value: int, noun: str, locale: str = DEFAULT_LOCALE) -> str:
    """Return a number with its noun in the right plural: `1 token`, `2 tokens`."""
    found = babel_locale(locale)
    forms = words.nouns(noun, found.language)
    form = forms.get(str(found.plural_form(abs(value))), forms["other"])
    return form.format(n=number(value, locale))


def tokens(value: int, locale: str = DEFAULT_LOCALE) -> str:
    """Return a number of tokens in words."""
    return count(value, "token", locale)


def duration(seconds: int, locale: str = DEFAULT_LOCALE) -> str:
    """Return a running time: `1 h 42 min`, or seconds where it is under a minute."""
    if seconds < 60:
        return f"{number(seconds, locale)} s"
    hours, minutes = divmod((seconds + 30) // 60, 60)
    shown = [f"{number(hours, locale)} h"] if hours else []
    return " ".join(shown + ([f"{number(minutes, locale)} min"] if minutes or not hours else []))


def clock(seconds: int) -> str:
    """Return a position in a film: `0:24`, `1:02:09`."""
    minutes, rest = divmod(max(seconds, 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def day(at: datetime | date, locale: str = DEFAULT_LOCALE, zone: str = DEFAULT_ZONE) -> str:
    """Return the date in the reader's zone: `1 Dec 2026`."""
    shown = at.astimezone(_zone(zone)).date() if isinstance(at, datetime) else at
    return format_date(shown, "medium", locale=babel_locale(locale))


def day_month(at: datetime, locale: str = DEFAULT_LOCALE, zone: str = DEFAULT_ZONE) -> str:
    """Return the day and month in the reader's zone: `1 Dec`."""
    return format_skeleton("MMMd", at.astimezone(_zone(zone)).date(), locale=babel_locale(locale))


def moment(at: datetime, locale: str = DEFAULT_LOCALE, zone: str = DEFAULT_ZONE) -> str:
    """Return date and time in the reader's zone."""
    found, local = babel_locale(locale), at.astimezone(_zone(zone))
    glue = found.datetime_formats["medium"]
    date_text = format_date(local.date(), "medium", locale=found)
    text: str = glue.format(format_time(local, "short", tzinfo=_zone(zone), locale=found), date_text)
    return text


def hour(at: datetime, locale: str = DEFAULT_LOCALE, zone: str = DEFAULT_ZONE) -> str:
    """Return the time of day in the reader's zone."""
    return format_time(at, "short", tzinfo=_zone(zone), locale=babel_locale(locale))


def until(at: datetime, now: datetime, *, locale: str = DEFAULT_LOCALE, zone: str = DEFAULT_ZONE) -> str:
    """Return an end as its reader says it: `tomorrow at 6:30 pm`, `24 Nov at 6:30 pm`, `3 Dec`.

    An end at midnight is named by the last day before it.
    """
    local = at.astimezone(_zone(zone))
    last = local - timedelta(microseconds=1)
    if last.date() != local.date():
        return _soon(last, now, "", locale, zone)
    return _soon(local, now, hour(at, locale, zone), locale, zone)


def begins(at: datetime, now: datetime, *, locale: str = DEFAULT_LOCALE, zone: str = DEFAULT_ZONE) -> str:
    """Return a beginning as its reader says it: `tomorrow at 6:30 pm`, `on 3 Dec`."""
    local = at.astimezone(_zone(zone))
    is_midnight = (local - timedelta(microseconds=1)).date() != local.date()
    said = _soon(local, now, "" if is_midnight else hour(at, locale, zone), locale, zone)
    return f"on {said}" if said[:1].isdigit() and babel_locale(locale).language == "en" else said


def _soon(local: datetime, now: datetime, time: str, locale: str, zone: str) -> str:
    """Return a day as it is said from now, with the time of day within a week."""
    found, today = babel_locale(locale), now.astimezone(_zone(zone)).date()
    days = (local.date() - today).days
    skeleton = "MMMd" if local.year == today.year else "yMMMd"
    said = words.near(days, found.language) or format_skeleton(skeleton, local.date(), locale=found)
    if not time or days >= _WEEK:
        return said
    return f"{said} at {time}" if found.language == "en" else f"{said}, {time}"


def month(value: str, locale: str = DEFAULT_LOCALE) -> str:
    """Return `2026-10` as `October 2026`."""
    return _skeleton(value, "yMMMM", locale)


def month_short(value: str, locale: str = DEFAULT_LOCALE) -> str:
    """Return `2026-10` as `Oct`."""
    return _skeleton(value, "MMM", locale)


def _skeleton(value: str, skeleton: str, locale: str) -> str:
    first = datetime.strptime(value + "-01", "%Y-%m-%d").replace(tzinfo=ZoneInfo("UTC"))
    return format_skeleton(skeleton, first, locale=babel_locale(locale))


def language(tag: str, locale: str = DEFAULT_LOCALE) -> str:
    """Return a language's name in the reader's own: `hi` reads `Hindi`."""
    name = babel_locale(tag).get_display_name(babel_locale(locale)) if tag else None
    return name or tag


def own_language(tag: str) -> str:
    """Return a language's name in itself, for a captions menu."""
    return babel_locale(tag).get_display_name() or tag


def country(code: str, locale: str = DEFAULT_LOCALE) -> str:
    """Return a country's name."""
    name: str = babel_locale(locale).territories.get(code, code)
    return name


def tone(key: str) -> str:
    """Return one of eight placeholder classes, always the same for the same key."""
    return f"tone-{zlib.crc32(key.encode()) % 8}"


def qr(text: str) -> Markup:
    """Return a QR code as inline SVG, black on white whatever the theme: cameras want it so."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
    # All that segno writes is its own: of the text only black and white squares are left.
    return Markup(
        drawn.replace("<svg ", '<svg role="img" aria-label="QR code for your authenticator app" ', 1)
    )


def _zone(name: str) -> tzinfo:
    return ZoneInfo(name)


def _localised(function: Callable[..., str]) -> Callable[..., str]:
    """Let a filter take the page's locale."""

    @pass_context
    def filtered(context: Context, value: Any, *rest: Any) -> str:
        return function(value, *rest, locale=context.get("locale") or DEFAULT_LOCALE)

    return filtered


def _zoned(function: Callable[..., str]) -> Callable[..., str]:
    """Let a filter take the page's locale and zone; a zone given in the template wins."""

    @pass_context
    def filtered(context: Context, value: Any, zone: str | None = None) -> str:
        shown = zone or context.get("zone") or DEFAULT_ZONE
        return function(value, locale=context.get("locale") or DEFAULT_LOCALE, zone=shown)

    return filtered


def _timed(function: Callable[..., str]) -> Callable[..., str]:
    """Let a filter take what is now for the page, and its locale and zone."""

    @pass_context
    def filtered(context: Context, value: datetime | None, now: datetime | None) -> str:
        if value is None or now is None:
            return ""
        locale, zone = context.get("locale") or DEFAULT_LOCALE, context.get("zone") or DEFAULT_ZONE
        return function(value, now, locale=locale, zone=zone)

    return filtered


def install(environment: Environment) -> None:
    """Give the templates their filters and words."""
    localised: Mapping[str, Callable[..., str]] = {
        "money": money, "price": price, "exact_money": exact_money, "near_money": near_money,
        "number": number, "signed": signed,
        "percent": percent, "count": count, "tokens": tokens, "duration": duration, "month": month,
        "month_short": month_short, "language": language, "country": country, "step_note": step_note,
        "explained": explained, "about_money": about_money,
    }  # fmt: skip
    for name, function in localised.items():
        environment.filters[name] = _localised(function)
    for name, function in {"day": day, "day_month": day_month, "moment": moment, "hour": hour}.items():
        environment.filters[name] = _zoned(function)
    environment.filters["until"], environment.filters["begins"] = _timed(until), _timed(begins)
    environment.filters["instant"] = instant_text
    plain: Mapping[str, Callable[..., Any]] = {
        "clock": clock, "tone": tone, "lang": lang, "dir": direction, "own_language": own_language, "qr": qr,
        "bars": charts.bars, "change": charts.change, "covered": charts.covered,
    }  # fmt: skip
    environment.filters.update(plain)
    environment.globals["words"] = words
