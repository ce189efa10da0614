"""Writes the pages of errors, events and ports, the roles in access.md and limits in edge.md, from the code.

Run it by hand after a change: `python docs/generate.py`. A test makes the pages
again in memory and compares, so that nothing stays undocumented.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))

NOTE = "<!-- Made by docs/generate.py; do not edit by hand. -->\n\n"
KINDS = ("NotFound", "Unproven", "Forbidden", "TooMany", "Rejected", "Conflict", "Invalid", "Unavailable")
INTERNAL = re.compile(r"\b(UUID|(?:Account|Title|Partner|Licence|Entry|Lot|Hold|Grant|Event)Id)\b")
"""Types of ids that are never shown outside; an answer leaves such a fact out."""


SCOPES = {
    "global": ("G", "everywhere"),
    "partner": ("P", "for one partner"),
    "territory": ("T", "in one territory"),
    "own": ("O", "over one's own account"),
}
"""Each kind of scope: its letter in the table of permissions, and its words."""
MARKS = {
    "is_guarded": "second factor",
    "is_unbound": "any scope",
    "while_impersonating": "impersonating",
    "is_planned": "planned",
}
"""What goes with a permission, in the table's words."""


@frozen
class Found:
    """A class as its source shows it."""

    module: str
    name: str
    bases: tuple[str, ...]
    node: ast.ClassDef

    def load(self) -> Any:
        """Return the class itself."""
        return getattr(importlib.import_module(self.module), self.name)


def classes(*packages: str) -> list[Found]:
    """Return every class of the packages, in order of module and place, without importing any of them."""
    found = []
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    found.append(Found(module, node.name, tuple(map(_name, node.bases)), node))
    return found


def heirs(found: Iterable[Found], *roots: str) -> list[Found]:
    """Return the classes that come from `roots`, by name, at any distance."""
    known, kept = set(roots), list(found)
    while True:
        more = {item.name for item in kept if known & set(item.bases)} - known
        if not more:
            return [item for item in kept if known & set(item.bases)]
        known |= more


def error_pages() -> str:
    """Return errors.md: every error by package and module, with what an answer says of it."""
    from buddy_web import errors as web

    found = [
        item
        for item in heirs(classes("buddy_core", "buddy_adapters", "buddy_web"), *KINDS)
        if item.name not in KINDS
    ]
    text = (
        "# Errors\n\n"
        + NOTE
        + "Every error that Buddy raises on purpose has a stable **code**. Its kind decides the "
        "HTTP status; nothing else does. Tell errors apart by the code: the words may change. An answer is "
        "`application/problem+json` with `code`, `detail`, `facts` and `correlation_id`. Facts *in italics* "
        "are internal ids: they stay in the process and are left out of answers.\n\n"
        "| kind | status | means |\n|---|---|---|\n"
    )
    text += "".join(f"| {kind.__name__} | {status} | {_first(kind)} |\n" for kind, status, _ in web.STATUSES)
    for package, items in _grouped(found):
        rows = sorted((item.load() for item in items), key=lambda error: error.code)
        text += f"\n## {package}\n\n| code | kind | status | what it says | facts |\n|---|---|---|---|---|\n"
        for error in rows:
            status = web.status_of(error.__new__(error))[0]
            text += f"| `{error.code}` | {_kind(error)} | {status} | {_first(error)} | {_facts(error)} |\n"
    text += (
        "\n## Answers of the web host alone\n\nThese answers come from no class: the request never reached a "
        "handler, or a view failed. Any other HTTP status is `web.http_STATUS`.\n\n"
        "| code | status | what it says |\n|---|---|---|\n"
    )
    for status, (code, words) in web._HTTP_WORDS.items():
        text += f"| `{code}` | {status} | {words} |\n"
    return text + "| `web.fault` | 500 | Something went wrong on our side; the log has it. |\n"


def event_page() -> str:
    """Return events.md: every event with its type and fields."""
    text = (
        "# Events\n\n"
        + NOTE
        + "Facts in the past tense, stored in the outbox in the same commit as the change "
        "they tell of. The type ends with a version. No event holds an e-mail address, a name or a password."
        "\n\nEach lies in an envelope: id (a consumer keeps it, to do a thing once only), type, subject "
        "(the thing it is about), the instant, and the body as canonical JSON.\n"
    )
    for package, items in _grouped(heirs(classes("buddy_core"), "Event")):
        text += f"\n## {package}\n"
        for item in items:
            event = item.load()
            text += f"\n**`{event.type}`** ({item.name}). {_plain(event)}\n\n"
            text += "".join(f"- `{field.name}`: {_type(field.type)}\n" for field in attrs.fields(event))
    return text


def port_page() -> str:
    """Return ports.md: every port with its methods and the adapters that carry it out."""
    known = [item for item in classes("buddy_core") if "Protocol" in item.bases]
    ports = [item for item in known if _is_port_file(item.module) and not item.name.endswith("Tx")]
    adapters = classes("buddy_adapters")
    declared = _declared()
    text = (
        "# Ports\n\n"
        + NOTE
        + "What the core asks of the outside, as small Protocols. One contract suite a port "
        "(`tests/contracts`) holds every store to the same answers.\n"
    )
    for package, items in _grouped(ports):
        text += f"\n## {package}\n"
        for port in items:
            found = [item for item in adapters if carries_out(item, port, declared[item.module])]
            text += f"\n### {port.name}\n\n{_plain(port.load())}\n\n| method | answers |\n|---|---|\n"
            for method in _methods(port.node):
                text += f"| `{_signature(method)}` | {_cell(ast.get_docstring(method) or '')} |\n"
            names = ", ".join(f"`{item.module}.{item.name}`" for item in found)
            text += f"\nCarried out by: {names or 'nothing yet'}.\n"
    text += (
        "\n## Transactions\n\nEach module says in a Protocol what it needs of a transaction, and a flow's "
        "inherits those of its modules. One class a store has them all.\n\n"
        "| Protocol | members of its own | inherits |\n|---|---|---|\n"
    )
    for item in heirs(known, "Protocol"):
        if item.name.endswith("Tx") and not item.module.startswith("buddy_core.views"):
            members = ", ".join(f"`{node.name}`" for node in _methods(item.node)) or "none"
            above = ", ".join(f"`{base}`" for base in item.bases if base != "Protocol") or "nothing"
            text += f"| `{item.module}.{item.name}` | {members} | {above} |\n"
    return text


def roles() -> str:
    """Return what access.md shows of the data: roles, names for them, permissions, second-person rules."""
    return "\n".join((_role_list(), _aliases(), _permission_table(), _second_person_rules()))


def _role_list() -> str:
    from buddy_core.access import ROLES, VIEWER_ROLE

    text = "### The roles\n\n| role | is | given | includes | note |\n|---|---|---|---|---|\n"
    for role in (*ROLES.values(), VIEWER_ROLE):
        given = " or ".join(word for kind, (_, word) in SCOPES.items() if kind in role.scopes)
        includes = ", ".join(f"`{name}`" for name in sorted(role.includes))
        text += f"| `{role.name}` | {role.title} | {given} | {includes} | {role.note} |\n"
    return text


def _aliases() -> str:
    from buddy_core.access import ALIASES

    text = "### Names that other systems use\n\n| name | role |\n|---|---|\n"
    return text + "".join(f"| `{name}` | `{role}` |\n" for name, role in ALIASES.items())


def _permission_table() -> str:
    from buddy_core.access import BUILT_IN, MEMBER_PERMISSIONS, PERMISSIONS, ROLES, VIEWER

    letters = ", ".join(f"{letter} {word}" for letter, word in SCOPES.values())
    text = (
        f"### The permissions\n\nHow a role that has the permission is given: {letters}.\n\n"
        f"| permission | lets you | marks | {' | '.join(f'`{name}`' for name in (*ROLES, VIEWER))} |\n"
        f"|---|---|---|{'---|' * (len(ROLES) + 1)}\n"
    )
    for name, item in PERMISSIONS.items():
        marks = ", ".join(word for field, word in MARKS.items() if getattr(item, field))
        cells = [
            "".join(letter for kind, (letter, _) in SCOPES.items() if kind in role.scopes)
            if name in BUILT_IN.permissions_of(role.name)
            else ""
            for role in ROLES.values()
        ]
        cells.append("O" if name in MEMBER_PERMISSIONS else "")
        text += f"| `{name}` | {item.does} | {marks} | {' | '.join(cells)} |\n"
    return text


def _second_person_rules() -> str:
    from buddy_core.access import SECOND_PERSON_RULES

    text = (
        "### What needs a second person\n\n"
        "| act | above | measured in | who approves has | waits at most |\n|---|---|---|---|---|\n"
    )
    for rule in SECOND_PERSON_RULES.values():
        days = rule.lives_for.total_seconds() / 86_400
        text += f"| `{rule.act}` | {rule.above} | {rule.measure} | `{rule.approve}` | {days:g} days |\n"
    return text


def limits() -> str:
    """Return the default rate limits and the routes of each group, as tables."""
    from buddy_core.limits import DEFAULT_POLICY

    whom = {"anyone": "", "guest": ", guests alone", "member": ", members alone"}
    text = "| group | limit | counted by |\n| --- | --- | --- |\n"
    for rule in DEFAULT_POLICY.rules:
        limit = f"{rule.count:,} in {_window(rule.window_s)}"
        text += f"| `{rule.group}` | {limit} | {rule.per.value}{whom[rule.who.value]} |\n"
    limited = {rule.group for rule in DEFAULT_POLICY.rules}
    for group in DEFAULT_POLICY.groups:
        if group.name not in limited:
            text += f"| `{group.name}` | none |  |\n"
    text += "\n| group | routes |\n| --- | --- |\n"
    for group in DEFAULT_POLICY.groups:
        text += f"| `{group.name}` | {', '.join(f'`{route}`' for route in group.routes)} |\n"
    return text + "| `default` | all others |\n"


def _window(seconds: int) -> str:
    for size, name in ((3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return f"{seconds // size} {name}{'s' if seconds > size else ''}"
    return f"{seconds} seconds"


def pages() -> dict[str, str]:
    """Return every page that is made here, by file name."""
    return {
        "errors.md": error_pages(),
        "events.md": event_page(),
        "ports.md": port_page(),
        "access.md": _filled("access.md", "roles", roles()),
        "edge.md": _filled("edge.md", "limits", limits()),
    }


def _filled(page: str, part: str, made: str) -> str:
    """Return a page written by hand, with the one part in it that is made."""
    begin, end = f"<!-- {part}: made by docs/generate.py -->\n", f"<!-- end of {part} -->\n"
    head, rest = (DOCS / page).read_text("utf-8").split(begin)
    _, tail = rest.split(end)
    return f"{head}{begin}\n{made}\n{end}{tail}"


def carries_out(adapter: Found, port: Found, declared: set[str]) -> bool:
    """Tell whether an adapter has a port's methods, and is named after it or declared to be one."""
    wanted, has = ({node.name for node in _methods(item.node)} for item in (port, adapter))
    is_namesake = re.fullmatch(rf"[A-Z][a-z0-9]+{port.name}", adapter.name) is not None
    return wanted <= has and (is_namesake or port.name in declared)


def _declared() -> dict[str, set[str]]:
    """Return, for each module of the adapters, the names in its annotated assignments.

    A conformance line such as `_signs: UrlSigner = adapter` names its port there.
    """
    found = {}
    for path in sorted((ROOT / "buddy_adapters").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        lines = [
            node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.AnnAssign)
        ]
        found[module] = {name for node in lines for name in re.findall(r"\w+", ast.unparse(node.annotation))}
    return found


def _is_port_file(module: str) -> bool:
    return module.endswith(".ports") or module.startswith("buddy_core.kernel.")


def _grouped(found: Iterable[Found]) -> Iterator[tuple[str, list[Found]]]:
    """Yield the classes by the package they belong to: a module of the core, or a part around it."""
    groups: dict[str, list[Found]] = {}
    for item in found:
        first, *rest = item.module.split(".")
        name = ".".join([first, *rest[:1]]) if first != "buddy_web" else first
        groups.setdefault(name, []).append(item)
    order = {"buddy_core": 0, "buddy_adapters": 1, "buddy_web": 2}
    yield from sorted(groups.items(), key=lambda group: (order[group[0].split(".")[0]], group[0]))


def _methods(node: ast.ClassDef) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        item
        for item in node.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and not item.name.startswith("_")
    ]


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    mark = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    arguments = ast.unparse(node.args).removeprefix("self").removeprefix(", ")
    answer = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    return f"{mark}{node.name}({arguments}){answer}".replace("|", "\\|")


def _facts(error: Any) -> str:
    names = []
    for field in attrs.fields(error) if attrs.has(error) else ():
        is_internal = INTERNAL.search(_type(field.type)) is not None
        names.append(f"*{field.name}*" if is_internal else f"`{field.name}`")
    return ", ".join(names)


def _kind(error: type[Any]) -> str:
    return next(base.__name__ for base in error.__mro__ if base.__name__ in KINDS)


def _name(node: ast.expr) -> str:
    return ast.unparse(node).split("[")[0].split(".")[-1]


def _type(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _first(thing: Any) -> str:
    return _cell((inspect.getdoc(thing) or "").split("\n\n")[0])


def _plain(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).write_text(text, "utf-8")
        print(f"docs/{name}")
