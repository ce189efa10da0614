"""What the pages say for the codes that the rules answer with; other languages join here."""

from __future__ import annotations

from collections.abc import Mapping

from buddy_core.views import Denial

_NOUNS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "en": {
        "token": {"one": "{n} token", "other": "{n} tokens"},
        "episode": {"one": "{n} episode", "other": "{n} episodes"},
        "title": {"one": "{n} title", "other": "{n} titles"},
        "unlock": {"one": "{n} unlock", "other": "{n} unlocks"},
        "ad": {"one": "{n} ad", "other": "{n} ads"},
        "day": {"one": "{n} day", "other": "{n} days"},
        "second": {"one": "{n} second", "other": "{n} seconds"},
        "unlocked title": {"one": "{n} unlocked title", "other": "{n} unlocked titles"},
        "reward": {"one": "{n} reward", "other": "{n} rewards"},
        "minute": {"one": "{n} minute", "other": "{n} minutes"},
        "person": {"one": "{n} person", "other": "{n} people"},
        "permission": {"one": "{n} permission", "other": "{n} permissions"},
        "file": {"one": "{n} file", "other": "{n} files"},
        "month": {"one": "{n} month", "other": "{n} months"},
        "account": {"one": "{n} account", "other": "{n} accounts"},
        "row": {"one": "{n} row", "other": "{n} rows"},
        "statement": {"one": "{n} statement", "other": "{n} statements"},
        "pool": {"one": "{n} pool", "other": "{n} pools"},
    },
    "hi": {
        "token": {"one": "{n} टोकन", "other": "{n} टोकन"},
        "episode": {"one": "{n} एपिसोड", "other": "{n} एपिसोड"},
    },
    "ar": {
        "token": {
            "zero": "لا رموز", "one": "رمز واحد", "two": "رمزان",
            "few": "{n} رموز", "many": "{n} رمزًا", "other": "{n} رمز",
        },
    },
}  # fmt: skip

_DENIALS: Mapping[str, tuple[str, str]] = {
    "taken_down": (
        "Taken down",
        "We may not show this title here any more. If you paid for it, what you are owed is on record; "
        "support knows how you get it back.",
    ),
    "not_published": ("Not out yet", "It will wait for you on the home page."),
    "no_licence": (
        "Not available where you are",
        "The producer has not cleared this title for your country. If that changes, it opens by itself.",
    ),
    "country_unknown": (
        "We cannot tell your country",
        "This title may be shown in some countries only. Turn off a VPN or private relay, then try again.",
    ),
    "not_yet": ("Not here yet", "It will wait for you on the home page."),
    "over": (
        "No longer available",
        "The time this title could be shown here has ended. If it comes back, you find it on the home page.",
    ),
    "maturity": (
        "Not for this profile",
        "Its certificate is above the age set for this profile. Switch to another profile to watch it.",
    ),
    "profile_pin": (
        "Your PIN, please",
        "This profile asks for its PIN before a title with this certificate.",
    ),
    "no_grant": ("This one is locked", "Unlock it once and it is yours to watch again, any time."),
    "not_in_plan": ("Not in your plan", "Your plan stays as it is; this title is not part of it."),
    "not_begun": ("Begins later", "What you have for this title has not begun. It opens by itself then."),
    "rental_not_started": (
        "Your rental has run out",
        "It was to be started within 30 days, and that time has passed.",
    ),
    "rental_ended": ("Your rental has ended", "Its hours after the first play have passed."),
    "consumed": ("You have watched this one", "It was yours to watch once, and you saw it to its end."),
    "plan_paused": (
        "Your plan is paused",
        "This title plays again as soon as your plan goes on. Nothing is lost.",
    ),
    "plan_lapsed": ("Your plan has ended", "What you bought or unlocked besides still plays."),
    "grant_ended": ("Your time with it has ended", "What you had for this title was for a while."),
    "refunded": ("This was refunded", "You have back what it cost, and the title is locked again."),
    "revoked": (
        "Your access was taken back",
        "Write to support and name this title; they will tell you why.",
    ),
    "too_many_streams": (
        "Playing on another device",
        "Stop it there, or wait a minute after closing it, then play it here.",
    ),
    "wallet_frozen": (
        "Your wallet is on hold",
        "Nothing is lost. Write to support and we will look at it together.",
    ),
    "session_ended": ("This session has ended", "Start the title again to go on from where you were."),
    "not_ready": ("Not ready to play", "The pictures are still being prepared. Try again in a few minutes."),
}
_OPENS = "It opens {when}."
_PLAN_ONLY = ("Part of a plan", "It comes with a plan, like much else.")
_MONEY_ONLY = ("To rent or buy", "Pay once; no tokens needed.")
_NO_WAY = ("This one is locked", "You do not have this title yet.")
_ENDS: Mapping[str, tuple[str, str]] = {
    # Without an end, and with one.
    "token_unlock": ("Yours for ever, unlocked with tokens", "Unlocked with tokens, open until {when}"),
    "rental": ("Rented", "Rented: ends {when}"),
    "pvod": ("Rented early", "Rented early: ends {when}"),
    "watch_once": ("Yours to watch once", "Yours to watch once, until {when}"),
    "est": ("Bought, yours to keep", "Bought, open until {when}"),
    "ppv": ("You have a ticket", "You have a ticket: ends {when}"),
    "festival_pass": ("With your festival ticket", "With your festival ticket, until {when}"),
    "edition": ("Your numbered edition", "Your numbered edition, open until {when}"),
    "subscription": ("With your plan", "With your plan, until {when}"),
    "gift": ("A gift, yours to keep", "A gift, open until {when}"),
    "promotion": ("Yours by an offer", "Yours by an offer, until {when}"),
    "support": ("Opened for you by support", "Opened for you by support, until {when}"),
    "festival": ("Free at the festival", "Free at the festival, until {when}"),
    "avod": ("Free", "Free until {when}"),
}
_GRACE = ("With your plan; payment is overdue", "With your plan; payment is overdue, open until {when}")
_CHIPS: Mapping[str, tuple[str, str]] = {
    "rental": ("clock", "Rented"),
    "pvod": ("clock", "Rented"),
    "watch_once": ("clock", "Once"),
    "ppv": ("ticket", "Ticket"),
    "festival_pass": ("ticket", "Ticket"),
    "subscription": ("ticket", "In your plan"),
    "festival": ("play", "Free"),
    "avod": ("play", "Free"),
}
_WAYS: Mapping[str, tuple[str, str, str]] = {
    # Icon, name, and what one gets.
    "rental": ("clock", "Rent", "Start within 30 days"),
    "pvod": ("clock", "Rent early", "From the first play"),
    "ppv": ("ticket", "Ticket to the event", "Once, while it is on"),
    "festival_pass": ("ticket", "Festival ticket", "While the festival is on"),
    "watch_once": ("play", "Watch once", "One viewing, within a day"),
    "subscription": ("ticket", "{tier} plan", "With everything else in it"),
    "est": ("check", "Buy", "Yours to keep"),
    "edition": ("check", "Numbered edition", "Yours to keep, with its number"),
}
_PERIODS: Mapping[str, tuple[str, str]] = {
    "D": ("a day", "for {n} days"), "W": ("a week", "for {n} weeks"),
    "M": ("a month", "for {n} months"), "Y": ("a year", "for {n} years"),
}  # fmt: skip
_NEAR: Mapping[str, Mapping[int, str]] = {"en": {0: "today", 1: "tomorrow"}}
"""What the days near to now are called; other languages say the date."""

_REASONS: Mapping[str, str] = {
    "daily_cap": "You have had all of today's ads. More after midnight UTC.",
    "no_fill": "No ad to show right now.",
    "coming": "Coming later.",
    "no_checkout": "Card payments open soon. Nothing is charged here yet.",
    "no_checkout_inr": "Card and UPI payments open soon. Nothing is charged here yet.",
}

_PROBLEMS: Mapping[str, str] = {
    "email_invalid": "That e-mail address has something missing. Check it and try again.",
    "email_taken": "There is an account with this e-mail already. Sign in and everything comes along.",
    "password_short": "The password is too short.",
    "wrong_credentials": "E-mail and password do not match. Try again.",
    "too_many_tries": "Too many tries. Wait a few minutes, then try again.",
    "expired": "The page was open too long. Send it once more.",
}

_OPERATIONS: Mapping[str, str] = {
    "reward": "Watched an ad",
    "earn": "Earned tokens",
    "spend": "Unlocked",
    "refund": "Returned",
    "purchase": "Bought tokens",
    "transfer_in": "Came along when you joined",
    "transfer_out": "Moved to your account",
    "expire": "Expired",
    "grant": "Gift",
    "adjust": "Corrected",
    "reverse": "Taken back",
    "hold": "Set aside",
    "post": "Used what was set aside",
    "void": "Free again",
    "freeze": "Wallet on hold",
    "unfreeze": "Wallet open again",
}

_STAFF_OPERATIONS: Mapping[str, str] = {
    "transfer_in": "Came along when they joined",
    "transfer_out": "Moved to their account",
}
"""Where staff read another's wallet, and *you* would be somebody else."""

_CAUSES: Mapping[str, str] = {
    "earn.ads.reward": "The ad ran to its end.",
    "earn.support.grant": "Support gave you these.",
    "earn.promotion": "You typed a code that brings them.",
    "adjust.staff": "Support put this right.",
    "expire.sweep": "Their time was over.",
    "expire.merge": "More than a guest can bring along.",
    "void.time-out": "They were not used in time.",
    "void.merge": "They were set aside for a guest, and came along to your account.",
    "void.reverse": "What they came from was taken back.",
    "refund.support.refund": "Support gave these back.",
    "reverse.source.withdrawal": "What they came from was taken back.",
    "reverse.ads.reward": "The ad network took the reward back.",
    "freeze.staff": "Support looks at something. Nothing is lost.",
    "unfreeze.staff": "Support has looked at it.",
    "transfer_in.merge": "These were earned before you joined.",
}
"""Why a line came about, by operation and source, where more is to be said than the line's name."""

_CHECKS: Mapping[str, tuple[str, str]] = {
    "month_ended": ("The month has ended", "It still runs in the entity's time zone."),
    "months_in_order": ("The months before it are published", "One before it is still open: it goes first."),
    "facts_arrived": ("All facts have come", "Files that were announced are still awaited."),
    "values_complete": ("Every spend has a value", "Some currencies lack a token value."),
    "terms_fit": ("Facts and terms go together", "Each problem stands below, under Review."),
    "worked_out": ("The figures are worked out", "They come by themselves: the month is large."),
    "rewards_settled": ("No rewards are held", "Held rewards wait for a decision."),
    "ledger_verified": ("The ledger adds up", "The check found rows that do not agree."),
}

_MONEY_ROWS: Mapping[str, str] = {
    "gross": "Came in: sales, plans and ads",
    "stamped": "Worth of bought tokens that were spent",
    "brought": "Kept by the month before for its pools",
    "rounding": "Rounding, once over the whole",
    "tax": "Tax",
    "refunds": "Refunds",
    "chargebacks": "Chargebacks",
    "fees": "Gateway fees",
    "holders": "To producers",
    "platform": "To the platform",
    "fund": "To the token fund",
    "carried": "Carried to the next month's pools",
}
_POOL_METHODS: Mapping[str, str] = {
    "pro_rata": "by all seconds watched",
    "user_centric": "by each subscriber's own seconds",
    "equal_per_subscriber": "equally over the holders a subscriber watched",
    "equal_per_title": "equally over the titles a subscriber watched",
}

_ATTENTION: Mapping[str, tuple[str, str]] = {
    "month_to_close": ("A month has ended", "Bring everything in, then review its figures."),
    "month_to_publish": ("A month is reviewed", "Another person than the reviewer publishes it."),
    "rewards_held": ("Rewards are held", "Their wallets were frozen when the ad was watched."),
    "verify_failed": ("The ledger does not add up", "Look before anything else: a row was changed."),
    "value_missing": ("A token value is missing", "Unlocks in this currency are refused until there is one."),
    "wallets_frozen": ("Wallets are frozen", "Their owners cannot spend."),
    "earning_alerts": (
        "Earning looks odd",
        "Many accounts earned on one device or at one address. Look whose they are.",
    ),
    "approvals_waiting": ("Requests wait for a second person", "Look at what each would do, then decide."),
}

_OWED: Mapping[str, tuple[str, str]] = {
    "opening": ("Owed at the start", "As the month before ended."),
    "sold": ("Sold", "What members paid for new tokens."),
    "redeemed": ("Spent on titles", "At what the tokens cost. What was given back is taken out again."),
    "expired": ("Expired", "Nobody can spend these any more."),
    "reversed": (
        "Purchases taken back",
        "What was left of payments that were withdrawn, or came back by refunds.",
    ),
    "adjusted": ("Put right by hand", "Tokens that staff gave to a bought lot or took, at that lot's cost."),
    "breakage": (
        "Breakage, early",
        "Of tokens that nobody is expected to use, what is recognised before they expire. When they do, "
        "it comes back here and stands under Expired.",
    ),
    "closing": ("Owed at the end", "What all tokens that can still be spent had cost, less early breakage."),
}
_GIVEN: Mapping[str, str] = {
    "opening": "At the start", "sold": "Given", "redeemed": "Spent on titles", "expired": "Expired",
    "reversed": "Taken back", "adjusted": "Put right by hand", "closing": "At the end",
}  # fmt: skip
_OWED_STATES: Mapping[str, tuple[str, str]] = {
    "running": ("Running", "warm"),
    "settling": ("Just ended", "warm"),
    "final": ("Final", "good"),
}

_LOGINS: Mapping[str, tuple[str, str]] = {
    "viewer": ("Viewer", "Watches, earns and unlocks."),
    "partner_admin": ("Producer", "Sees what their own titles earn, and nothing of anyone else's."),
    "super_admin": ("Super admin", "Everything: values, months, users, roles, the audit."),
    "finance": ("Finance", "Token values and months; approves what another one asks for."),
    "support": ("Support", "Finds users, helps them, looks as them, gives tokens."),
}

_REQUEST_STATES: Mapping[str, tuple[str, str]] = {
    "pending": ("Waiting", "warm"),
    "approved": ("Approved", "good"),
    "rejected": ("Rejected", "bad"),
    "withdrawn": ("Withdrawn", ""),
    "expired": ("Expired", ""),
}

_SCOPES: Mapping[str, str] = {
    "global": "Everywhere", "partner": "One producer", "territory": "One territory",
}  # fmt: skip

_PROMOTION_STATES: Mapping[str, tuple[str, str]] = {
    "coming": ("Coming", "warm"),
    "running": ("Running", "good"),
    "used_up": ("Used up", ""),
    "over": ("Over", ""),
}

_HOLDINGS: Mapping[str, str] = {
    "est": "Purchase (EST)",
    "pvod": "Early rental (PVOD)",
    "ppv": "Event ticket (PPV)",
    "avod": "Free with ads (AVOD window)",
    "svod": "Plans (SVOD window)",
    "tvod": "Rental and purchase (TVOD window)",
    "festival": "Festival window",
    "cinema": "Cinema window",
    "collector": "Collector window",
}
_VERDICTS: Mapping[str, str] = {
    "won": "Opens it",
    "gave": "Gives something more",
    "lost": "Something better opens it",
    "barred": "Would open it",
    "not_open": "Not open",
}
_DONE: Mapping[str, str] = {
    "code_claimed": "The tokens of your code are in the wallet.",
    "promotion_added": "The promotion stands. Its code brings tokens from its first day on.",
    "promotion_ended": "Ended. What was claimed stays in the wallets.",
    "access_give": "Given. It opens with their next click.",
    "access_extend": "It has a later end now.",
    "access_revoke": "Taken away. What they open next is refused.",
    "ended": "Signed out there. What was open stops with its next click.",
    "others_ended": "Signed out everywhere else. Only this browser is left.",
    "factor_set": "Set. From now on signing in asks for six digits too.",
    "factor_removed": "Removed. Your password alone opens the account now.",
    "approved": "Approved and done. Both names are in the audit.",
    "rejected": "Rejected, with your reason. Nothing was changed.",
    "withdrawn": "Withdrawn. Nothing was changed.",
    "role_given": "The role counts from their next click.",
    "role_taken": "The role is gone from their next click on.",
    "signed_out": "Signed out everywhere.",
    "factor_reset": "Their second factor is gone, and they are signed out. They set up a new one.",
    "tokens_given": "The tokens are in the wallet.",
    "refunded": "Refunded. The tokens are back in the wallet.",
    "reversed": "Taken back, as far as it was still there.",
    "adjusted": "Adjusted. Your reason is in the wallet's entry.",
    "frozen": "Frozen: the wallet neither earns nor spends.",
    "unfrozen": "The wallet goes on.",
    "saved": "The role is saved. It counts at once for all who have it.",
    "dropped": "The role is gone.",
    "reviewed": "Reviewed. It waits for another person to publish it.",
    "published": "Published. The statements are final, and producers see them.",
    "closed_before": "It was published before; its statements are the same to the byte.",
}

_AD_NUMBERS: Mapping[str, tuple[str, str]] = {
    "tokens": ("Tokens an ad", "Bonus tokens for one ad watched to its end."),
    "days": ("Days they last", "From the moment they are paid."),
    "account_daily": ("Ads per account", "In one UTC day."),
    "device_daily": ("Ads per device", "In one UTC day, over all accounts on it."),
    "ip_daily": ("Ads per address", "In one UTC day, over all devices behind it."),
    "guest_life": (
        "Ads before joining",
        "In a guest's whole life, and in that of all guests of one device together. "
        "As many tokens come along on joining.",
    ),
}
_PLACES: Mapping[str, tuple[str, str]] = {
    "device": ("Device", "A device"), "ip": ("Address", "An internet address"),
}  # fmt: skip
_TOKEN_ACTS: Mapping[str, str] = {"refund": "Refund", "reverse": "Take back", "adjust": "Adjust"}
_MODELS: Mapping[str, str] = {
    "rental": "Rentals", "est": "Copies sold", "pvod": "Early rentals", "ppv": "Event tickets",
    "festival": "Festival tickets", "edition": "Numbered editions", "subscription": "Subscriptions",
    "ads": "Ads", "tokens": "Tokens",
}  # fmt: skip
_STEPS: Mapping[str, str] = {
    "brought forward": "Brought forward",
    "earned": "Earned",
    "held back": "Held back against refunds",
    "released": "Released of what was held back",
    "used of what was held": "Taken from what was held back",
    "forgiven": "Less than nothing, forgiven",
    "guarantee": "Added so that the guarantee is met",
    "recouped": "Kept to recoup the advance",
    "carried forward": "Carried to the next month",
    "withheld": "Tax withheld",
}
_RECOUPED_OF = "recouped of "
_PROGRESS: Mapping[str, tuple[str, str, str, str, str]] = {
    # What it is called, what it is of, what a month adds to it, what is left, and what it is when nothing is.
    "advance": ("Advance", "recouped", "this month", "left to recoup", "Recouped in full"),
    "guarantee": ("Minimum guarantee", "earned", "this month", "left to earn", "Earned in full"),
    "reserve": ("Reserve against refunds", "held", "this month", "held now", ""),
}
_INPUTS: Mapping[str, str] = {
    "gross": "Taken, with tax", "tax": "Tax", "refund": "Refunds", "chargeback": "Taken back by banks",
    "gateway_fee": "Payment fees", "refund_of": "Given back, of", "pool": "Pool",
    "pool_net": "The whole pool", "method": "Shared by", "seconds": "Seconds watched that count",
    "pool_seconds": "Of all seconds that count", "by": "Measured by", "count": "Of this title",
    "of": "Of all titles", "kind": "Kind of tokens", "tokens": "Tokens", "value": "What they are worth",
    "value_version": "Value version", "was": "Yours, as closed", "was_of": "The title netted, as closed",
    "is": "Yours, as it is now", "is_of": "The title netted, as it is now",
    "waterfall": "Waterfall", "step": "Step", "netted": "Before its steps",
    "accounts": "Accounts that watched it", "accounts_paid": "What they paid",
    "own": "Its parts of that", "to_all": "Shared by all seconds", "pool_fact": "Shared where its rows are",
    "pool_part": "Its part there", "holder_has": "What the holder has",
    "expenses_laid_out": "Expenses laid out so far", "expenses_cap": "Of them may be taken back",
    "expenses_before": "Taken back before", "expenses_now": "Taken back now",
    "expenses_from": "From what the deal has after its fee", "tier_basis": "Tiers count",
    "tier_counting": "Counted", "tier_before": "Counted before", "tier_now": "Counted now",
    "fx": "Rate of exchange",
}  # fmt: skip
_INPUT_TEXTS: Mapping[str, str] = {
    "pro_rata": "all seconds together", "user_centric": "each subscriber's seconds",
    "equal_per_subscriber": "each subscriber, equally by holder",
    "equal_per_title": "each subscriber, equally by title", "watch": "seconds watched",
    "impressions": "ads shown", "bonus": "Bonus", "paid": "Paid", "life": "over the life of the deal",
    "period": "each month anew",
}  # fmt: skip
_KINDS: Mapping[str, str] = {"bonus": "Bonus", "paid": "Paid"}
_TYPES: Mapping[str, str] = {"film": "Film", "series": "Series", "short": "Short", "episode": "Episode"}
_RAILS: Mapping[str, str] = {
    "continue": "Continue watching", "unlocked": "Yours to watch", "films": "Films", "series": "Series",
    "shorts": "Shorts", "free": "Free to watch", "new": "New here",
}  # fmt: skip


def nouns(noun: str, language: str) -> Mapping[str, str]:
    """Return the plural forms of a noun; English where the language has none."""
    return _NOUNS.get(language, {}).get(noun) or _NOUNS["en"][noun]


def _tail(code: str) -> str:
    return code.rsplit(".", 1)[-1]


def denial(code: str, message: str = "") -> tuple[str, str]:
    """Return the headline and the words for a refusal; the rule's own words where the code is new."""
    return _DENIALS.get(
        _tail(code), ("This cannot play right now", message or "Try again in a little while.")
    )


def refusal(denied: Denial, when: str = "") -> tuple[str, str]:
    """Return the headline and the words for a refusal, with when it opens and what to do about it."""
    headline, text = denial(denied.code, denied.message)
    kinds = {way.kind for way in denied.ways}
    if _tail(denied.code) == "no_grant" and "unlock" not in kinds:
        priced = {way.kind for way in denied.ways if way.price is not None}
        headline, text = _PLAN_ONLY if priced == {"subscription"} else _MONEY_ONLY if priced else _NO_WAY
    if not when:
        return headline, text
    # That it begins later is all there is to say where the date says when.
    return headline, f"{_OPENS.format(when=when)} {text}"


def access(kind: str, *, is_in_grace: bool = False, when: str = "") -> str:
    """Return why a title plays, and until when: `Rented: ends tomorrow at 6:30 pm`."""
    without, until = _GRACE if is_in_grace else _ENDS.get(kind, ("Open to you", "Open to you until {when}"))
    return until.format(when=when) if when else without


def picture(ads: bool, max_height: int) -> str:
    """Return how a title that is free to watch is shown: `with ads, up to 720p`."""
    return ", ".join(
        ["with ads" if ads else "without ads", *([f"up to {max_height}p"] if max_height else [])]
    )


def access_chip(kind: str) -> tuple[str, str]:
    """Return the icon and the word for what a title is to the viewer."""
    return _CHIPS.get(kind, ("check", "Yours"))


def way(kind: str, tier: str | None = None) -> tuple[str, str, str]:
    """Return the icon, the name and the words of a way that costs money."""
    icon, name, text = _WAYS.get(kind, ("ticket", kind.replace("_", " ").capitalize(), ""))
    return icon, name.format(tier=(tier or "").capitalize()), text


def period(text: str | None) -> str:
    """Return how often a plan is paid, after its price: `P1M` reads `a month`."""
    if not text:
        return ""
    one, many = _PERIODS[text[-1]]
    number = text[1:-1]
    return one if number == "1" else many.format(n=number)


def no_checkout(currency: str) -> str:
    """Return why nothing can be paid yet."""
    return _REASONS["no_checkout_inr" if currency == "INR" else "no_checkout"]


def near(days: int, language: str) -> str | None:
    """Return the name of today or tomorrow; None for other days, and where there is none."""
    return _NEAR.get(language, {}).get(days)


def reason(code: str | None) -> str:
    """Return why a way is closed just now."""
    return _REASONS.get(_tail(code or ""), "Not available right now.")


def problem(code: str) -> str:
    """Return what was wrong with a form."""
    return _PROBLEMS.get(_tail(code), "That did not work. Check what you typed and try again.")


def operation(name: str) -> str:
    """Return what a wallet line was."""
    return _OPERATIONS.get(name, name.replace("_", " ").capitalize())


def staff_operation(name: str) -> str:
    """Return what a line of somebody else's wallet was, for staff."""
    return _STAFF_OPERATIONS.get(name) or operation(name)


def cause(key: str) -> str:
    """Return why a wallet line came about; nothing where its name says it all."""
    return _CAUSES.get(key, "")


def check(key: str) -> tuple[str, str]:
    """Return a check's name, and what is wrong while it is open."""
    return _CHECKS.get(key, (key.replace("_", " ").capitalize(), ""))


def money_row(name: str, *, is_below_zero: bool = False) -> str:
    """Return what a row of the reconciliation is called; what goes to somebody comes from them below zero."""
    said = _MONEY_ROWS.get(name, name.capitalize())
    return said.replace("To ", "From ", 1) if is_below_zero and said.startswith("To ") else said


def pool_method(name: str) -> str:
    """Return how a pool is shared."""
    return _POOL_METHODS.get(name, name.replace("_", " "))


def attention(kind: str) -> tuple[str, str]:
    """Return what needs attention, and what to do."""
    return _ATTENTION.get(kind, (kind.replace("_", " ").capitalize(), ""))


def login(role: str) -> tuple[str, str]:
    """Return what an account of the demo is called, and what it is for."""
    return _LOGINS.get(role, (role.replace("_", " ").capitalize(), ""))


def request_state(state: str) -> tuple[str, str]:
    """Return how a request stands, and the colour of its chip."""
    return _REQUEST_STATES.get(state, (state.capitalize(), ""))


def scope(kind: str) -> str:
    """Return how far a role may reach."""
    return _SCOPES.get(kind, kind.capitalize())


def done(what: str) -> str:
    """Return what a form has just done."""
    return _DONE.get(what, "Done.")


def holding(name: str) -> str:
    """Return what staff call a kind of grant, window or way to a title."""
    return _HOLDINGS.get(name, act(name))


def verdict(name: str) -> str:
    """Return what became of a grant or window that might have opened a title."""
    return _VERDICTS.get(name, name)


def promotion_state(name: str) -> tuple[str, str]:
    """Return how a promotion stands, and the colour of its chip."""
    return _PROMOTION_STATES.get(name, (name.capitalize(), ""))


def act(name: str) -> str:
    """Return an act of the audit in words: `role.assign` reads `Role: assign`."""
    return name.replace("_", " ").replace(".", ": ").capitalize()


def owed(name: str) -> tuple[str, str]:
    """Return what a row of the liability is called, and what it says."""
    return _OWED.get(name, (name.replace("_", " ").capitalize(), ""))


def given(name: str) -> str:
    """Return what a row of promotional tokens is called."""
    return _GIVEN.get(name, name.replace("_", " ").capitalize())


def owed_state(name: str) -> tuple[str, str]:
    """Return how a month of the liability stands, and its colour."""
    return _OWED_STATES.get(name, (name.capitalize(), "warm"))


def ad_number(name: str) -> tuple[str, str]:
    """Return what a number of the reward rule is called, and what it means."""
    return _AD_NUMBERS.get(name, (name.replace("_", " ").capitalize(), ""))


def place(scope: str) -> tuple[str, str]:
    """Return what a place where ads are paid is called: as a heading, and in a sentence."""
    return _PLACES.get(scope, (scope.capitalize(), scope))


def token_act(name: str) -> str:
    """Return what staff do about an entry of a wallet."""
    return _TOKEN_ACTS.get(name, name.capitalize())


def model(name: str) -> str:
    """Return the name of a way of earning."""
    return _MODELS.get(name, name.replace("_", " ").capitalize())


def step(name: str) -> str:
    """Return what a step of settling an account is called."""
    if name.startswith(_RECOUPED_OF):
        return f"Kept to recoup account {name.removeprefix(_RECOUPED_OF)}"
    return _STEPS.get(name, name.capitalize())


def progress(kind: str) -> tuple[str, str, str, str, str]:
    """Return what is recouped, earned or held: its name, its verb, and what is said of its parts."""
    return _PROGRESS.get(kind, (kind.capitalize(), "so far", "this month", "left", "Done"))


def input_name(name: str) -> str:
    """Return what an input of a statement line is called."""
    return _INPUTS.get(name, name.replace("_", " ").capitalize())


def input_text(text: str) -> str:
    """Return what an input of a statement line says, where it is a word of the rules."""
    return _INPUT_TEXTS.get(text, text)


def kind(name: str) -> str:
    """Return the name of a kind of token."""
    return _KINDS.get(name, name.capitalize())


def title_type(name: str) -> str:
    """Return the name of a type of title."""
    return _TYPES.get(name, name.capitalize())


def rail(kind: str, title: str | None) -> str:
    """Return a rail's heading."""
    return title or _RAILS.get(kind, kind.capitalize())
