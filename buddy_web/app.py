"""The Flask application: carries requests to the core and answers back, and decides nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ParamSpec, Protocol, TypeVar

from attrs import frozen
from flask import Blueprint, current_app, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from buddy_core.kernel.clock import Clock
from buddy_web.bridge import Bridge
from buddy_web.compression import install_compression
from buddy_web.cookies import DeviceCookie, GuestCookie, SessionCookies
from buddy_web.cors import CrossOrigins
from buddy_web.csrf import FormTokens
from buddy_web.errors import PROBLEM_TYPE, Problem, install_errors, invalid_request
from buddy_web.forms import install_forms
from buddy_web.health import health_routes
from buddy_web.keys import purpose_keys, signer
from buddy_web.logs import install_logs
from buddy_web.network import Address, Origins, client_prefix, ip_key
from buddy_web.public_ids import PublicIds, public_ids
from buddy_web.security import install_security
from buddy_web.settings import Settings
from buddy_web.statement_cursors import PURPOSE as CURSOR_PURPOSE
from buddy_web.statement_cursors import StatementCursors
from buddy_web.tokens import AccessTokens
from buddy_web.visitors import Visitors

DOCUMENT_PATH = "/v1/openapi.json"
_INVALID_STATUS = "400"

P = ParamSpec("P")
T = TypeVar("T")


class Container(Protocol):
    """What the application itself needs of the composition root; routes ask it for handlers.

    Each member is called to get the thing, so that a dependency-injector provider
    and a plain method serve alike.
    """

    @property
    def bridge(self) -> Callable[[], Bridge]: ...

    @property
    def clock(self) -> Callable[[], Clock]: ...

    @property
    def ready(self) -> Callable[[], Awaitable[None]]:
        """Check what the service needs; raise if something does not answer."""
        ...


@frozen
class Web:
    """What views use of the host; `web()` finds it during a request."""

    settings: Settings
    container: Any
    """The composition root, as given: views take handlers from it by name."""
    bridge: Bridge
    clock: Clock
    visitors: Visitors
    tokens: AccessTokens
    public_ids: PublicIds
    statement_cursors: StatementCursors
    cross_origins: CrossOrigins
    form_tokens: FormTokens
    origins: Origins
    ip_secret: bytes

    def call(self, work: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an async handler on the process's loop and return its result."""
        return self.bridge.call(work, *args, **kwargs)

    def call_long(self, work: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> T:
        """Do as `call` does for a handler that counts for seconds, on a loop where no page waits for it."""
        container = self.container
        bridge: Bridge = container.long_bridge()
        return bridge.call(work, *args, uow=container.long_uow(), **kwargs)

    def client_ip(self) -> Address | None:
        """Return the address of the present request's client."""
        return self.origins.client_ip(request)

    def ip_text(self) -> str:
        """Return the client's address for the audit; empty if it is not known."""
        ip = self.client_ip()
        return "" if ip is None else str(ip)

    def client_prefix(self) -> str | None:
        """Return the client's network (/24 or /56), to which addresses may be bound."""
        ip = self.client_ip()
        return None if ip is None else client_prefix(ip)

    def ip_key(self) -> str | None:
        """Return the keyed hash of the client's address, for limits a day."""
        ip = self.client_ip()
        return None if ip is None else ip_key(ip, self.ip_secret)

    def country(self) -> str | None:
        """Return the client's country, or None if it is not known."""
        return self.origins.country(request)


class BuddyApp(OpenAPI):
    """flask-openapi3's application, with errors documented in the form in which they are sent."""

    def generate_spec_json(self) -> None:
        """Make the OpenAPI document; the answer to a wrong request is a problem, not a list."""
        super().generate_spec_json()  # type: ignore[no-untyped-call]
        for operations in self.spec_json["paths"].values():
            for operation in operations.values():
                documented = operation["responses"].get(_INVALID_STATUS, {})
                if PROBLEM_TYPE not in documented.get("content", {}):
                    operation["responses"][_INVALID_STATUS] = {
                        "description": "A field of the request is missing or wrong.",
                        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                    }


def create_app(
    settings: Settings, container: Container, blueprints: Iterable[Blueprint | APIBlueprint] = ()
) -> BuddyApp:
    """Return the application with all guards in place, health routes and the given blueprints.

    Nothing is connected and no thread starts here: a server may fork afterwards.
    """
    app = BuddyApp(
        "buddy_web",
        info=Info(title="Buddy", version=_version()),
        doc_ui=False,
        validation_error_status=_INVALID_STATUS,
        validation_error_model=Problem,
        validation_error_callback=invalid_request,
    )
    web = _assemble(settings, container)
    app.extensions["buddy"] = web
    install_forms(app)
    # Flask runs what follows in this order before a request, and in reverse after it:
    # cookies are written first, headers see them, and the log line comes last.
    install_logs(app)
    install_compression(app)
    install_errors(app)
    web.cross_origins.install(app)
    install_security(app, secure=settings.secure, max_body_bytes=settings.max_body_bytes)
    web.form_tokens.install(app)
    web.visitors.install(app)
    # flask-openapi3 ties its own document route to its pages; Buddy has a page of its own.
    app.add_url_rule(DOCUMENT_PATH, "openapi_document", lambda: app.api_doc)
    app.register_blueprint(health_routes(web.bridge, container.ready))
    for blueprint in blueprints:
        if isinstance(blueprint, APIBlueprint):
            app.register_api(blueprint)
        else:
            app.register_blueprint(blueprint)
    return app


def web() -> Web:
    """Return the host's parts for the application that serves the present request."""
    found = current_app.extensions["buddy"]
    assert isinstance(found, Web)
    return found


def _assemble(settings: Settings, container: Container) -> Web:
    clock = container.clock()
    ids = public_ids(settings.secrets)
    tokens = AccessTokens(signer(settings.secrets, "access-token"), ids)
    visitors = Visitors(
        GuestCookie(signer(settings.secrets, "account-cookie"), clock, settings.secure),
        SessionCookies(tokens, settings.secure),
        DeviceCookie(signer(settings.secrets, "device-cookie"), clock, settings.secure),
    )
    cross_origins = CrossOrigins(frozenset(settings.cors_origins))
    return Web(
        settings=settings,
        container=container,
        bridge=container.bridge(),
        clock=clock,
        visitors=visitors,
        tokens=tokens,
        public_ids=ids,
        statement_cursors=StatementCursors(signer(settings.secrets, CURSOR_PURPOSE)),
        cross_origins=cross_origins,
        form_tokens=FormTokens(
            signer(settings.secrets, "form-token"), visitors, settings.secure, cross_origins.admits
        ),
        origins=Origins(
            settings.trusted_proxies,
            settings.trust_unix_socket,
            settings.country_header,
            settings.demo_country if settings.demo else None,
        ),
        ip_secret=purpose_keys(settings.secrets, "ip")[0],
    )


def _version() -> str:
    try:
        return version("buddy-ott")
    except PackageNotFoundError:
        # Run from a checkout that was not installed.
        return "0"
