"""`buddy roles`: who may do what, and why."""

from __future__ import annotations

from collections.abc import Callable

import click

from buddy_core.access import SYSTEM, Role, ScopeKind
from buddy_core.flows import AssignRole
from buddy_core.views import AdminRoles, Explained, ExplainWanted, Holder, RoleShown
from buddy_web.commands.running import CORRELATION_ID, EXIT_FAULTS, ask

SCOPES = ("global", "partner", "territory")


def scoped(command: Callable[..., None]) -> Callable[..., None]:
    """Add the two options that say how far a role reaches; neither: everywhere."""
    producer = click.option("--producer", metavar="SHORT_ID", help="For this producer alone.")
    territory = click.option("--territory", metavar="CC", help="In this territory alone, such as IN.")
    return producer(territory(command))


@click.group()
def roles() -> None:
    """Give and take roles, define your own, and ask why somebody may or may not.

    A member registers in the browser first. Each change is written to the audit and counts from the
    member's next request on.
    """


@roles.command("list")
def list_() -> None:
    """List every role with its title, how many permissions it has, and how many members have it."""
    for shown in _all().roles:
        own = "" if shown.is_built_in else "  (your own)"
        click.echo(
            f"{shown.role.name:<18}{shown.role.title:<32}"
            f"{len(shown.permissions):>3} permissions {len(shown.holders):>4} members{own}"
        )


@roles.command("show")
@click.argument("name")
def show(name: str) -> None:
    """Show what the role NAME may do, what it includes, and who has it."""
    shown: RoleShown | None = next((item for item in _all().roles if item.role.name == name), None)
    if shown is None:
        raise click.ClickException(
            f"There is no role {name!r}. `buddy roles list` shows those that there are."
        )
    role = shown.role
    click.echo(f"{role.name}: {role.title}" + (f" ({role.note})" if role.note else ""))
    click.echo(f"Given      {' or '.join(sorted(kind.value for kind in role.scopes))}")
    if role.includes:
        click.echo(f"Includes   {', '.join(sorted(role.includes))}")
    for permission in shown.permissions:
        marks = [
            word
            for is_so, word in (
                (permission.is_guarded, "second factor"),
                (permission.is_planned, "planned"),
            )
            if is_so
        ]
        click.echo(f"  {permission.name:<22}{permission.does}" + (f"  [{', '.join(marks)}]" if marks else ""))
    for holder in shown.holders:
        click.echo(f"  {holder.email}  {_where(holder)}")


@roles.command("grant")
@click.argument("email")
@click.argument("role")
@scoped
def grant(email: str, role: str, producer: str | None, territory: str | None) -> None:
    """Give ROLE to the member registered with EMAIL; again, it changes nothing.

    Without --producer or --territory it reaches everywhere; not every role may (`buddy roles show`).
    """
    command = AssignRole(email, role, producer, territory)
    given = ask(lambda container: container.assign_role(SYSTEM, command, correlation_id=CORRELATION_ID))
    click.echo(f"{email} is {given.role}{_reach(producer, territory)} now.")


@roles.command("revoke")
@click.argument("email")
@click.argument("role")
@scoped
def revoke(email: str, role: str, producer: str | None, territory: str | None) -> None:
    """Take ROLE from the member registered with EMAIL, within the scope that it was given in."""
    command = AssignRole(email, role, producer, territory)
    taken = ask(lambda container: container.revoke_role(SYSTEM, command, correlation_id=CORRELATION_ID))
    click.echo(f"{email} is not {taken.role}{_reach(producer, territory)} any more.")


@roles.command("define")
@click.argument("name")
@click.option("--title", required=True, help="What people read.")
@click.option("--permission", "permissions", multiple=True, help="Such as user:read; as often as needed.")
@click.option("--include", "includes", multiple=True, help="A role whose permissions it has too.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="How it may be given.")
@click.option("--note", default="", help="What it is kept from, and why.")
def define(
    name: str,
    title: str,
    permissions: tuple[str, ...],
    includes: tuple[str, ...],
    scopes: tuple[str, ...],
    note: str,
) -> None:
    """Define the role NAME, or change it: whoever has it may what it says from now on.

    It is what this command says and nothing of what it was before. Without --scope it is given everywhere.
    """
    kinds = frozenset(ScopeKind(scope) for scope in scopes or ("global",))
    role = Role(name, title, frozenset(permissions), frozenset(includes), kinds, note)
    ask(lambda container: container.define_role(SYSTEM, role, correlation_id=CORRELATION_ID))
    click.echo(f"The role {name} stands. Give it with: buddy roles grant EMAIL {name}")


@roles.command("drop")
@click.argument("name")
def drop(name: str) -> None:
    """Remove the role NAME of your own, which nobody has and no other role includes."""
    ask(lambda container: container.drop_role(SYSTEM, name, correlation_id=CORRELATION_ID))
    click.echo(f"There is no role {name} any more.")


@roles.command("explain")
@click.argument("email")
@click.argument("permission")
@scoped
@click.pass_context
def explain(
    ctx: click.Context, email: str, permission: str, producer: str | None, territory: str | None
) -> None:
    """Say why the member with EMAIL has PERMISSION or not: for a producer, a territory, or the platform.

    The answer is for a session that has just proved the second factor, if the member has one. The
    exit code is 1 where the answer is no.
    """
    wanted = ExplainWanted(permission, producer or "", territory or "")

    explained: Explained = ask(
        lambda container: container.explain_access(SYSTEM, email, wanted, correlation_id=CORRELATION_ID)
    )
    for line in explained.lines:
        click.echo(line)
    if not explained.is_granted:
        ctx.exit(EXIT_FAULTS)


def _all() -> AdminRoles:
    found: AdminRoles = ask(lambda container: container.roles_page(SYSTEM, correlation_id=CORRELATION_ID))
    return found


def _where(holder: Holder) -> str:
    return f"producer {holder.producer}, {holder.where}" if holder.producer else holder.where


def _reach(producer: str | None, territory: str | None) -> str:
    if producer:
        return f" for {producer}"
    return f" in {territory.upper()}" if territory else ""
