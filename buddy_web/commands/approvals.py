"""`buddy approvals`: what waits for a second person. The command line approves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NoReturn

import click

from buddy_core.access import SYSTEM, ApprovalState, Outcome
from buddy_core.flows import Asked, DecideRequest
from buddy_core.views import RequestShown
from buddy_web.commands.running import CORRELATION_ID, ask

PAGE = 50


@click.group()
def approvals() -> None:
    """See what waits for a second person, reject it, or withdraw what the command line asked for.

    Approving needs a person who signed in with a second factor: it is done on the page
    /admin/approvals or by the API, never here.
    """


@approvals.command("list")
@click.option("--all", "with_decided", is_flag=True, help="Those that were decided or expired, too.")
def list_(with_decided: bool) -> None:
    """List requests that wait, newest first."""

    async def work(container: Any) -> Sequence[RequestShown]:
        found: list[Asked] = []
        while True:
            before = found[-1].request.id if found else None
            page = await container.list_requests(SYSTEM, undecided=False, before=before, limit=PAGE)
            found += page
            if len(page) < PAGE:
                break
        wanted = [item for item in found if with_decided or item.state is ApprovalState.PENDING]
        shown: Sequence[RequestShown] = await container.show_requests(SYSTEM, wanted, correlation_id="cli")
        return shown

    requests = ask(work)
    for item in requests:
        click.echo(f"{item.id}  {item.state.value:<9}  {item.asked_by}: {_effect(item)}")
    if not requests:
        click.echo("Nothing waits." if not with_decided else "There are no requests.", err=True)


@approvals.command("show")
@click.argument("request_id", metavar="ID")
def show(request_id: str) -> None:
    """Show the request ID: who asks, what it would do, and what was decided."""

    async def work(container: Any) -> RequestShown:
        found = await container.find_request(SYSTEM, request_id)
        shown: Sequence[RequestShown] = await container.show_requests(SYSTEM, [found], correlation_id="cli")
        return shown[0]

    item = ask(work)
    click.echo(f"Request    {item.id}, {item.state.value}")
    click.echo(f"Asked by   {item.asked_by}, {item.requested_at:%Y-%m-%d %H:%M} UTC")
    click.echo(f"Would do   {_effect(item)}")
    click.echo(f"Measure    {_measure(item.measure)}; one person does at most {item.above} alone")
    if item.reason:
        click.echo(f"Reason     {item.reason}")
    if item.decided_by is None or item.decided_at is None:
        click.echo(f"Waits      until {item.expires_at:%Y-%m-%d %H:%M} UTC")
        return
    why = f": {item.decision_reason}" if item.decision_reason else ""
    click.echo(f"Decided    by {item.decided_by}, {item.decided_at:%Y-%m-%d %H:%M} UTC{why}")


@approvals.command("approve", hidden=True)
@click.argument("request_id", metavar="ID")
def approve(request_id: str) -> NoReturn:
    """Refuse, and say how it is done."""
    raise click.ClickException(
        "Approving needs a person who signed in with a second factor: use the page /admin/approvals."
    )


@approvals.command("reject")
@click.argument("request_id", metavar="ID")
@click.option("--reason", required=True, help="Why, for whoever asked: 3 to 500 characters.")
def reject(request_id: str, reason: str) -> None:
    """Reject the request ID, for good."""
    _decide(DecideRequest(request_id, Outcome.REJECTED, reason))


@approvals.command("withdraw")
@click.argument("request_id", metavar="ID")
def withdraw(request_id: str) -> None:
    """Withdraw the request ID that was asked for at the command line."""
    _decide(DecideRequest(request_id, Outcome.WITHDRAWN))


def _decide(command: DecideRequest) -> None:
    done = ask(lambda container: container.decide_request(SYSTEM, command, correlation_id=CORRELATION_ID))
    click.echo(f"Request {command.request_id} is {done.outcome.value}.")


def _effect(item: RequestShown) -> str:
    if item.grant is not None:
        return f"{item.grant.tokens} bonus tokens for {item.grant.account}"
    if item.adjustment is not None:
        wanted = item.adjustment
        lot = f"a {wanted.kind} lot of {wanted.account}, entry {wanted.reference}"
        return (
            f"{wanted.tokens:+} tokens for {lot}"
            if wanted.tokens > 0
            else f"{wanted.tokens} tokens from {lot}"
        )
    if item.promotion is not None:
        code = item.promotion
        return f"the code {code.code} brings {code.tokens} bonus tokens to {code.limit} accounts"
    if item.value is not None:
        steps = ", ".join(
            f"{step.currency} {'nothing' if step.before is None else step.before} -> {step.after}"
            for step in item.value.steps
        )
        begins = f"{item.value.effective_from:%Y-%m-%d %H:%M} UTC"
        return f"a {item.value.kind} token counts {steps} (minor units), from {begins}"
    if item.close is not None:
        return f"publishes {item.close.month} of {item.close.entity}, figures {item.close.digest}"
    return item.act


def _measure(measure: Fraction | None) -> str:
    return "without limit" if measure is None else str(measure)
