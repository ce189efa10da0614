"""The composition root: binds ports to adapters and handlers to both, and decides nothing."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
from attrs import evolve
from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import AsyncEngine

from buddy_adapters.ads.admob import SsvKeySource
from buddy_adapters.cdn.nginx import NginxSecureLink, NginxUrlSigner
from buddy_adapters.media.keys import FileContentKeys
from buddy_adapters.memory.cache import MemoryCache
from buddy_adapters.memory.limits import MemoryRateLimits
from buddy_adapters.onetime import PyotpCodes
from buddy_adapters.passwords import BcryptPasswords
from buddy_adapters.sealing import AesGcmSealer
from buddy_adapters.sql.engine import group_commit_on, make_engine
from buddy_adapters.sql.limits import SqlRateLimits
from buddy_adapters.sql.unit_of_work import SqlTx, SqlUnitOfWork
from buddy_adapters.system.clock import ShiftedClock, SystemClock
from buddy_adapters.system.ids import SystemIds
from buddy_adapters.text.slugs import SlugifyTransliterator
from buddy_adapters.told import OutboxFeed, TellingUnitOfWork
from buddy_adapters.workings import ThreadWorkings
from buddy_core import accounts, flows, sessions, tokens, views
from buddy_core.kernel.clock import Clock
from buddy_core.limits import RateLimits
from buddy_core.sessions import SessionPolicy
from buddy_core.shortids import Stock
from buddy_web.bridge import Bridge
from buddy_web.health import Readiness
from buddy_web.keys import purpose_keys
from buddy_web.rate_limits import policy_of
from buddy_web.reference import BREAKAGE_POLICIES, SELLER_ROUTES
from buddy_web.sandbox.network import SandboxKeys, sandbox_key, sandbox_key_file, sandbox_keys
from buddy_web.settings import Settings

LINK_LIFE = timedelta(hours=1)
"""How long a signed media link works (row 11.06)."""


class Container(containers.DeclarativeContainer):
    """One of these per process. Every handler is bound under its own name."""

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)

    bridge = providers.Singleton(lambda settings: Bridge(settings.call_timeout_s), settings)
    clock = providers.Singleton(lambda settings: _clock(settings), settings)
    ids = providers.Singleton(SystemIds)
    engine = providers.Singleton(lambda settings: make_engine(settings.database_url), settings)
    display_cache = providers.Singleton(MemoryCache)
    workings = providers.Singleton(ThreadWorkings)
    store = providers.Singleton(SqlUnitOfWork, engine, workings)
    forget = providers.Factory(
        lambda cache: lambda envelopes: cache.drop(flows.stale_keys(envelopes)), display_cache
    )
    uow: providers.Singleton[TellingUnitOfWork[SqlTx]] = providers.Singleton(TellingUnitOfWork, store, forget)
    outbox_feed = providers.Singleton(OutboxFeed, store, forget)
    # Whatever counts for seconds has a loop of its own, and so has connections of its own.
    long_engine = providers.Singleton(
        lambda settings: make_engine(settings.database_url, pool_size=2, max_overflow=0), settings
    )
    long_bridge = providers.Singleton(
        lambda settings, engine: _long_bridge(settings, engine), settings, long_engine
    )
    long_uow: providers.Singleton[TellingUnitOfWork[SqlTx]] = providers.Singleton(
        TellingUnitOfWork, providers.Singleton(SqlUnitOfWork, long_engine, workings), forget
    )
    rate_limits = providers.Singleton(
        lambda settings, engine: _rate_limits(settings, engine), settings, engine
    )
    limit_policy = providers.Singleton(
        lambda settings: policy_of(settings.rate_limits_file, is_demo=settings.demo), settings
    )
    routes = providers.Object(SELLER_ROUTES)
    breakage_policies = providers.Object(BREAKAGE_POLICIES)
    passwords = providers.Singleton(BcryptPasswords)
    one_time_codes = providers.Singleton(PyotpCodes, "Buddy")
    sealer = providers.Singleton(
        lambda settings: AesGcmSealer(purpose_keys(settings.secrets, "second-factors")), settings
    )
    transliterator = providers.Singleton(SlugifyTransliterator)
    short_ids = providers.Singleton(Stock)
    url_signer = providers.Singleton(lambda settings: _url_signer(settings), settings)
    url_verifier = url_signer
    content_keys = providers.Singleton(lambda settings: FileContentKeys(settings.media_dir), settings)
    link_life = providers.Object(LINK_LIFE)
    ssv_keys = providers.Singleton(lambda settings, clock: _ssv_keys(settings, clock), settings, clock)

    session_policy = providers.Singleton(lambda settings: _session_policy(settings), settings)

    readiness = providers.Singleton(Readiness, engine)
    ready = providers.Callable(lambda readiness: readiness.check(), readiness)

    begin_guest = providers.Callable(accounts.begin_guest, uow=uow, clock=clock, ids=ids)
    find_account = providers.Callable(accounts.find_account, uow=uow)
    identify = providers.Callable(flows.identify, uow=uow, clock=clock, policy=session_policy)
    identify_guest = providers.Callable(flows.identify_guest, uow=uow)
    begin_session = providers.Callable(
        flows.begin_session, uow=uow, clock=clock, ids=ids, policy=session_policy
    )
    refresh_session = providers.Callable(
        sessions.refresh_session, uow=uow, clock=clock, ids=ids, policy=session_policy
    )
    list_sessions = providers.Callable(sessions.list_sessions, uow=uow, clock=clock)
    sign_out = providers.Callable(flows.sign_out, uow=uow, clock=clock, ids=ids)
    end_own_session = providers.Callable(flows.end_own_session, uow=uow, clock=clock, ids=ids)
    end_own_sessions = providers.Callable(flows.end_own_sessions, uow=uow, clock=clock, ids=ids)
    sweep_sessions = providers.Callable(sessions.sweep_sessions, uow=uow, clock=clock, ids=ids)
    find_second_factor = providers.Callable(sessions.find_second_factor, uow=uow)
    set_up_second_factor = providers.Callable(
        flows.set_up_second_factor,
        uow=uow,
        clock=clock,
        ids=ids,
        passwords=passwords,
        codes=one_time_codes,
        sealer=sealer,
    )
    confirm_second_factor = providers.Callable(
        flows.confirm_own_second_factor, uow=uow, clock=clock, ids=ids, codes=one_time_codes, sealer=sealer
    )
    prove_second_factor = providers.Callable(
        sessions.prove_second_factor, uow=uow, clock=clock, ids=ids, codes=one_time_codes, sealer=sealer
    )
    remove_second_factor = providers.Callable(flows.remove_own_second_factor, uow=uow, clock=clock, ids=ids)
    touch_session = providers.Callable(sessions.touch_session, uow=uow, clock=clock)

    register = providers.Callable(flows.register, uow=uow, clock=clock, ids=ids, passwords=passwords)
    sign_in = providers.Callable(
        flows.sign_in, uow=uow, clock=clock, ids=ids, passwords=passwords, policy=session_policy
    )
    find_title = providers.Callable(flows.find_title, uow=uow)
    unlock_queue = providers.Singleton(
        lambda engine, **ports: group_commit_on(engine, partial(flows.unlock_titles, **ports)),
        engine,
        uow=uow,
        clock=clock,
        ids=ids,
        routes=routes,
    )
    unlock_title = providers.Callable(
        lambda actor, command, queue: queue(flows.UnlockRequest(actor, command)), queue=unlock_queue
    )

    begin_reward = providers.Callable(flows.begin_reward, uow=uow, clock=clock, ids=ids)
    settle_reward = providers.Callable(flows.settle_reward, uow=uow, clock=clock, ids=ids)
    find_reward = providers.Callable(flows.find_reward, uow=uow)
    decide_held_reward = providers.Callable(flows.decide_held_reward, uow=uow, clock=clock, ids=ids)

    show_answers = providers.Callable(
        lambda asked, feed, **ports: flows.show_answers(asked, catch_up=feed.catch_up, **ports),
        feed=outbox_feed,
        uow=store,
        clock=clock,
        cache=display_cache,
    )
    show_kept = providers.Callable(
        lambda asked, feed, **ports: flows.show_kept(asked, is_due=feed.is_due, **ports),
        feed=outbox_feed,
        clock=clock,
        cache=display_cache,
    )
    give_access = providers.Callable(flows.give_access, uow=uow, clock=clock, ids=ids)
    extend_access = providers.Callable(flows.extend_access, uow=uow, clock=clock, ids=ids)
    revoke_access = providers.Callable(flows.revoke_access, uow=uow, clock=clock, ids=ids)
    list_access = providers.Callable(flows.list_access, uow=uow, clock=clock)
    explain_watching = providers.Callable(flows.explain_access, uow=uow, clock=clock)
    start_playback = providers.Callable(flows.start_playback, uow=uow, clock=clock, ids=ids)
    open_session = providers.Callable(flows.open_session, uow=uow, clock=clock, ids=ids)
    beat_session = providers.Callable(flows.beat_session, uow=uow, clock=clock, ids=ids)
    stop_session = providers.Callable(flows.stop_session, uow=uow, clock=clock, ids=ids)

    set_token_value = providers.Callable(flows.set_token_value, uow=uow, clock=clock, ids=ids, routes=routes)
    freeze_wallet = providers.Callable(flows.freeze_wallet, uow=uow, clock=clock, ids=ids)
    close_month = providers.Callable(flows.close_month, uow=uow, clock=clock, ids=ids)
    bring_facts = providers.Callable(flows.bring_facts, uow=uow, clock=clock)
    set_terms = providers.Callable(flows.set_terms, uow=uow, clock=clock)
    terms_effect = providers.Callable(flows.terms_effect, uow=uow)
    expire_tokens = providers.Callable(tokens.expire_tokens, uow=uow, clock=clock, ids=ids)
    sweep_tokens = providers.Callable(flows.sweep_tokens, uow=uow, clock=clock, ids=ids)
    verify = providers.Callable(flows.verify, uow=uow, routes=routes)
    verify_ledger = providers.Callable(flows.verify_ledger, uow=uow)
    grant_tokens = providers.Callable(flows.grant_tokens, uow=uow, clock=clock, ids=ids)
    refund_unlock = providers.Callable(flows.refund_unlock, uow=uow, clock=clock, ids=ids)
    foresee_refund = providers.Callable(flows.foresee_refund, uow=uow, clock=clock, ids=ids)
    reverse_earning = providers.Callable(flows.reverse_earning, uow=uow, clock=clock, ids=ids)
    foresee_reversal = providers.Callable(flows.foresee_reversal, uow=uow, clock=clock, ids=ids)
    foresee_adjustment = providers.Callable(flows.foresee_adjustment, uow=uow, clock=clock, ids=ids)
    claim_promotion = providers.Callable(flows.claim_promotion, uow=uow, clock=clock, ids=ids)
    list_promotions = providers.Callable(flows.list_promotions, uow=uow, clock=clock)
    add_promotion = providers.Callable(flows.add_promotion, uow=uow, clock=clock, ids=ids)
    end_promotion = providers.Callable(flows.end_promotion, uow=uow, clock=clock)
    adjust_lot = providers.Callable(flows.adjust_lot, uow=uow, clock=clock, ids=ids)
    list_requests = providers.Callable(flows.list_requests, uow=uow, clock=clock)
    find_request = providers.Callable(flows.find_request, uow=uow, clock=clock)
    decide_request = providers.Callable(flows.decide_request, uow=uow, clock=clock, ids=ids, routes=routes)
    find_users = providers.Callable(flows.find_users, uow=uow, clock=clock)
    look_at_user = providers.Callable(flows.look_at_user, uow=uow, clock=clock)
    sign_out_user = providers.Callable(flows.sign_out_user, uow=uow, clock=clock, ids=ids)
    reset_second_factor = providers.Callable(flows.reset_second_factor, uow=uow, clock=clock, ids=ids)
    begin_impersonation = providers.Callable(flows.begin_impersonation, uow=uow, clock=clock, ids=ids)
    end_impersonation = providers.Callable(flows.end_impersonation, uow=uow, clock=clock, ids=ids)
    record_look = providers.Callable(flows.record_look, uow=uow, clock=clock)
    revoke_role = providers.Callable(flows.revoke_role, uow=uow, clock=clock)
    define_role = providers.Callable(flows.define_role, uow=uow, clock=clock)
    drop_role = providers.Callable(flows.drop_role, uow=uow, clock=clock)
    roles_page = providers.Callable(views.roles_page, uow=uow, clock=clock)
    show_requests = providers.Callable(views.show_requests, uow=uow, clock=clock, routes=routes)
    name_roles = providers.Callable(views.name_roles, uow=uow)
    name_titles = providers.Callable(views.name_titles, uow=uow)
    user_aside = providers.Callable(views.user_aside, uow=uow)
    staff_wallet = providers.Callable(views.staff_wallet, uow=uow, clock=clock)
    find_wallet_entry = providers.Callable(views.find_wallet_entry, uow=uow, clock=clock)
    assign_role = providers.Callable(flows.assign_role, uow=uow, clock=clock)
    change_rights = providers.Callable(flows.change_rights, uow=uow, clock=clock, ids=ids)
    add_windows_from_csv = providers.Callable(flows.add_windows_from_csv, uow=uow, clock=clock, ids=ids)
    rights_of = providers.Callable(flows.rights_of, uow=uow)
    take_down = providers.Callable(flows.take_down, uow=uow, clock=clock, ids=ids)
    restore_title = providers.Callable(flows.restore, uow=uow, clock=clock, ids=ids)
    record_owed = providers.Callable(flows.record_owed, uow=uow, clock=clock)
    owed_by = providers.Callable(flows.owed_by, uow=uow)
    owed_in_all = providers.Callable(flows.owed_in_all, uow=uow)
    foresee_takedown = providers.Callable(flows.foresee_takedown, uow=uow, clock=clock)
    check_sheet = providers.Callable(flows.check_sheet, uow=uow, clock=clock)
    set_token_costs = providers.Callable(flows.set_token_costs, uow=uow, clock=clock)
    set_prices = providers.Callable(flows.set_prices, uow=uow, clock=clock)
    set_reward_rule = providers.Callable(flows.set_reward_rule, uow=uow, clock=clock)
    list_flags = providers.Callable(flows.list_flags, uow=uow)
    switch_flags = providers.Callable(flows.switch_flags, uow=uow, clock=clock)

    viewer = providers.Callable(views.viewer, uow=uow, clock=clock)
    kept = providers.Callable(views.kept, uow=uow, clock=clock)
    home_page = providers.Callable(views.home_page, uow=uow, clock=clock)
    title_page = providers.Callable(views.title_page, uow=uow, clock=clock)
    unlock_sheet = providers.Callable(views.unlock_sheet, uow=uow, clock=clock)
    watch_page = providers.Callable(views.watch_page, uow=uow, clock=clock)
    earn_page = providers.Callable(views.earn_page, uow=uow, clock=clock)
    wallet_page = providers.Callable(views.wallet_page, uow=uow, clock=clock)

    list_titles = providers.Callable(views.list_titles, uow=uow, clock=clock)
    title_with_answer = providers.Callable(views.title_with_answer, uow=uow, clock=clock)
    availability = providers.Callable(views.availability, show=show_answers.provider)
    kept_availability = providers.Callable(views.kept_availability, show=show_kept.provider)
    upcoming_windows = providers.Callable(views.upcoming_windows, uow=uow, clock=clock)
    quote_title = providers.Callable(views.quote_title, uow=uow, clock=clock)
    wallet_state = providers.Callable(views.wallet_state, uow=uow, clock=clock)
    wallet_expiring = providers.Callable(views.wallet_expiring, uow=uow, clock=clock)
    ledger_page = providers.Callable(views.ledger_page, uow=uow, clock=clock)

    find_producer = providers.Callable(views.find_producer, uow=uow)
    producer_name = providers.Callable(views.producer_name, uow=uow)
    producer_page = providers.Callable(views.producer_page, uow=uow, clock=clock, routes=routes)
    producers_page = providers.Callable(views.producers_page, uow=uow)
    list_statements = providers.Callable(views.list_statements, uow=uow)
    statement_page = providers.Callable(views.statement_page, uow=uow, clock=clock, routes=routes)
    why_page = providers.Callable(views.why_page, uow=uow, clock=clock, routes=routes)
    statement_file = providers.Callable(views.statement_file, uow=uow, clock=clock, routes=routes)

    admin_home = providers.Callable(views.admin_home, uow=uow, clock=clock, routes=routes)
    costs_effect = providers.Callable(views.costs_effect, uow=uow, clock=clock)
    rule_effect = providers.Callable(views.rule_effect, uow=uow, clock=clock)
    show_value_effect = providers.Callable(views.show_value_effect, uow=uow, clock=clock, routes=routes)
    costs_page = providers.Callable(views.costs_page, uow=uow, clock=clock, routes=routes)
    cost_versions = providers.Callable(views.cost_versions, uow=uow, clock=clock)
    price_versions = providers.Callable(views.price_versions, uow=uow, clock=clock)
    prices_effect = providers.Callable(views.prices_effect, uow=uow, clock=clock)
    prices_page = providers.Callable(views.prices_page, uow=uow, clock=clock, routes=routes)
    partners_named = providers.Callable(views.partners_named, uow=uow)
    rights_book = providers.Callable(views.rights_book, uow=uow)
    rights_history = providers.Callable(views.rights_history, uow=uow)
    rights_list = providers.Callable(views.rights_list, uow=uow, clock=clock)
    rights_page = providers.Callable(views.rights_page, uow=uow, clock=clock, routes=routes)
    ad_rule_page = providers.Callable(views.ad_rule_page, uow=uow, clock=clock, routes=routes)
    rule_versions = providers.Callable(views.rule_versions, uow=uow, clock=clock)
    reward_alerts = providers.Callable(views.reward_alerts, uow=uow, clock=clock)
    values_page = providers.Callable(views.values_page, uow=uow, clock=clock, routes=routes)
    value_versions = providers.Callable(views.value_versions, uow=uow, clock=clock)
    facts_of_month = providers.Callable(views.facts_of_month, uow=uow)
    facts_file = providers.Callable(views.facts_file, uow=uow)
    facts_page = providers.Callable(views.facts_page, uow=uow, clock=clock, routes=routes)
    terms_book = providers.Callable(views.terms_book, uow=uow, routes=routes)
    terms_of = providers.Callable(views.terms_of, uow=uow)
    terms_form = providers.Callable(views.terms_form, uow=uow, clock=clock, routes=routes)
    close_page = providers.Callable(views.close_page, uow=uow, clock=clock, routes=routes)
    explain_access = providers.Callable(views.explain_access, uow=uow, clock=clock)
    find_audit = providers.Callable(views.find_audit, uow=uow, clock=clock)
    export_audit = providers.Callable(views.export_audit, uow=uow, clock=clock)
    find_member = providers.Callable(views.find_member, uow=uow)
    held_rewards = providers.Callable(views.held_rewards, uow=uow, clock=clock)
    token_liability = providers.Callable(
        views.token_liability, uow=uow, clock=clock, routes=routes, policies=breakage_policies
    )
    wallet_owner = providers.Callable(views.wallet_owner, uow=uow, clock=clock)


def _long_bridge(settings: Settings, engine: AsyncEngine) -> Bridge:
    bridge = Bridge(settings.long_call_timeout_s)
    bridge.on_close(engine.dispose)
    bridge.after_fork(lambda: engine.sync_engine.dispose(close=False))
    return bridge


def _clock(settings: Settings) -> Clock:
    """Return the machine's clock; the demo's can be moved, and keeps how far in a file."""
    return ShiftedClock(SystemClock(), demo_clock_file(settings)) if settings.demo else SystemClock()


def demo_clock_file(settings: Settings) -> Path:
    """Return where the demo keeps how far its clock was moved."""
    return settings.secret_file.parent / "clock.json"


def _rate_limits(settings: Settings, engine: AsyncEngine) -> RateLimits | None:
    """Return where requests are counted; None: they are not."""
    where = settings.rate_limits or ("memory" if settings.demo else "database")
    if where == "off":
        return None
    if where == "memory":
        return MemoryRateLimits()
    if where == "database":
        return SqlRateLimits(engine)
    # Imported here alone: the package is an extra of its own.
    from buddy_adapters.valkey import ValkeyRateLimits, open_valkey

    return ValkeyRateLimits(open_valkey(where))


def _session_policy(settings: Settings) -> SessionPolicy:
    """Return how long sessions live; moving the demo's clock by months should sign nobody out."""
    if not settings.demo:
        return sessions.POLICY
    year = timedelta(days=400)
    return evolve(sessions.POLICY, refresh_life=year, second_factor_life=year)


def _url_signer(settings: Settings) -> NginxUrlSigner:
    # A blank after the secret ends the expression, as in nginx's own documentation; hex has none.
    secret = purpose_keys(settings.secrets, "media-links")[0].hex()
    network = "$remote_prefix" if settings.bind_links_to_network else ""
    return NginxUrlSigner(NginxSecureLink(f"$secure_link_expires$uri{network} {secret}"))


def _ssv_keys(settings: Settings, clock: Clock) -> SandboxKeys | SsvKeySource:
    """Return who signs ad callbacks: the demo's own sandbox, or Google."""
    if settings.demo:
        return sandbox_keys(sandbox_key(sandbox_key_file(settings)))
    return SsvKeySource(httpx.AsyncClient(timeout=settings.call_timeout_s), clock)
