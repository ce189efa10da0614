"""What the pages say for the codes that the rules answer with; other languages join here."""

from __future__ import annotations

from collections.abc import Mapping

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
    "no_grant": ("This one is locked", "Unlock it once and it is yours to watch again, any time."),
    "no_licence": (
        "Not available where you are",
        "The producer has not cleared this title for your country.",
    ),
    "not_published": ("Not out yet", "This title opens later. It will wait on the home page."),
    "no_longer": ("No longer available", "The time this title could be shown has ended."),
    "country_unknown": (
        "We cannot tell your country",
        "Choose your country at the foot of the page, then try again.",
    ),
    "wallet_frozen": (
        "Your wallet is on hold",
        "Nothing is lost. Write to support and we will look at it together.",
    ),
    "too_many_streams": (
        "Playing on another device",
        "Stop it there, or wait a minute after closing it, then play it here.",
    ),
    "session_ended": ("This session has ended", "Start the title again to go on from where you were."),
    "not_ready": ("Not ready to play", "The pictures are still being prepared. Try again in a few minutes."),
    "age": ("Not for this profile", "The certificate is above what this profile may watch."),
}

_REASONS: Mapping[str, str] = {
    "daily_cap": "You have had all of today's ads. More after midnight UTC.",
    "no_fill": "No ad to show right now.",
    "coming": "Coming later.",
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
    "spend": "Unlocked",
    "refund": "Returned",
    "purchase": "Bought tokens",
    "transfer_in": "Came along when you joined",
    "transfer_out": "Moved to your account",
    "expire": "Expired",
    "grant": "Gift",
    "adjust": "Corrected",
    "void": "Taken back",
}

_CHECKS: Mapping[str, tuple[str, str]] = {
    "month_ended": ("The month has ended", "It still runs in the entity's time zone."),
    "values_complete": ("Every spend has a value", "Some currencies lack a token value."),
    "rewards_settled": ("No rewards are held", "Held rewards wait for a decision."),
    "ledger_verified": ("The ledger adds up", "The check found rows that do not agree."),
}

_ATTENTION: Mapping[str, tuple[str, str]] = {
    "month_to_close": ("A month is ready to close", "Check it, look at the payouts, close it."),
    "rewards_held": ("Rewards are held", "Their wallets were frozen when the ad was watched."),
    "verify_failed": ("The ledger does not add up", "Look before anything else: a row was changed."),
    "value_missing": ("A token value is missing", "Unlocks in this currency are refused until there is one."),
    "wallets_frozen": ("Wallets are frozen", "Their owners cannot spend."),
    "approvals_waiting": ("Requests wait for a second person", "Look at what each would do, then decide."),
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

_DONE: Mapping[str, str] = {
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
    "saved": "The role is saved. It counts at once for all who have it.",
    "dropped": "The role is gone.",
}

_MODELS: Mapping[str, str] = {"token_bonus": "Bonus tokens", "token_paid": "Paid tokens"}
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


def reason(code: str | None) -> str:
    """Return why a way is closed just now."""
    return _REASONS.get(_tail(code or ""), "Not available right now.")


def problem(code: str) -> str:
    """Return what was wrong with a form."""
    return _PROBLEMS.get(_tail(code), "That did not work. Check what you typed and try again.")


def operation(name: str) -> str:
    """Return what a wallet line was."""
    return _OPERATIONS.get(name, name.replace("_", " ").capitalize())


def check(key: str) -> tuple[str, str]:
    """Return a check's name, and what is wrong while it is open."""
    return _CHECKS.get(key, (key.replace("_", " ").capitalize(), ""))


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


def act(name: str) -> str:
    """Return an act of the audit in words: `role.assign` reads `Role: assign`."""
    return name.replace("_", " ").replace(".", ": ").capitalize()


def model(name: str) -> str:
    """Return the name of a way of earning."""
    return _MODELS.get(name, name.replace("_", " ").capitalize())


def kind(name: str) -> str:
    """Return the name of a kind of token."""
    return _KINDS.get(name, name.capitalize())


def title_type(name: str) -> str:
    """Return the name of a type of title."""
    return _TYPES.get(name, name.capitalize())


def rail(kind: str, title: str | None) -> str:
    """Return a rail's heading."""
    return title or _RAILS.get(kind, kind.capitalize())
