"""Adapters only rename, nest, decode and choose: their syntax trees hold nothing else."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ADAPTERS = sorted((HERE / "adapters").glob("*.py"))

# What decodes a scalar, names a type, or is Buddy's own public code.
IMPORTS = frozenset(
    {"__future__", "base64", "binascii", "collections.abc", "datetime", "decimal", "fractions"}
    | {"ipaddress", "json", "typing", "uuid", "zoneinfo", "buddy_core", "buddy_adapters"}
)
COMPUTING_CALLS = frozenset(
    {"abs", "float", "divmod", "enumerate", "eval", "exec", "getattr", "len", "max", "min", "open", "pow"}
    | {"range", "reversed", "round", "setattr", "sorted", "sum", "vars", "globals", "locals", "__import__"}
    | {"any", "all", "filter", "map", "reduce", "count", "index", "sort", "quantize", "limit_denominator"}
)
# What makes a number of one thing that the case gives; of a text put together it would compute.
NUMBERS = frozenset({"int", "complex", "Fraction", "Decimal"})
GLUE = frozenset(
    {"join", "format", "format_map", "replace", "zfill", "ljust", "rjust", "center", "translate"}
)
GLUED_NUMBER = re.compile(r"[0-9./]|^[eE][-+]?$")
BROAD_ERRORS = frozenset({"ArithmeticError", "AssertionError", "BaseException", "BuddyError", "Exception"})
MATCHING = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)


def breaches(source: str, case_ids: frozenset[str] = frozenset()) -> list[str]:
    """Name each place of an adapter's source that does more than an adapter may."""
    tree = ast.parse(source)
    return [
        f"line {getattr(node, 'lineno', 0)}: {problem}"
        for node in ast.walk(tree)
        for problem in problems(node, case_ids)
    ]


def problems(node: ast.AST, case_ids: frozenset[str]) -> Iterator[str]:
    """Say what is wrong with one node."""
    match node:
        case ast.BinOp(op=ast.BitOr(), left=left, right=right) if is_type(left) and is_type(right):
            pass
        case ast.BinOp() | ast.AugAssign():
            yield "it computes"
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Invert()):
            yield "it computes a sign"
        case ast.Constant(value=bool() | None):
            pass
        case ast.Constant(value=int() | float() | complex()):
            yield "it holds a number"
        case ast.Constant(value=str(text)) if any(case_id in text for case_id in case_ids):
            yield "it knows a case id"
        case ast.Compare():
            yield from comparison_problems(node)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in COMPUTING_CALLS:
            yield f"it calls {name}"
        case ast.Call(func=ast.Name(id=name)) if name in NUMBERS:
            yield from number_problems(node)
        case ast.JoinedStr(values=values):
            texts = [value.value for value in values if isinstance(value, ast.Constant)]
            yield from (f"it glues {text!r} to a text" for text in texts if GLUED_NUMBER.search(str(text)))
        case ast.Attribute(attr=name) if name.startswith("_"):
            yield f"it uses the private name {name}"
        case ast.ExceptHandler(type=kind):
            yield from handler_problems(kind)
        case ast.While() | ast.Assert() | ast.Global() | ast.Nonlocal() | ast.ClassDef():
            yield f"it has a {type(node).__name__.lower()} statement"
        case ast.Import(names=names):
            yield from (f"it imports {name.name}" for name in names if not is_allowed(name.name))
        case ast.ImportFrom(module=module, names=names):
            if not is_allowed(module or ""):
                yield f"it imports {module}"
            yield from (f"it imports the private {n.name}" for n in names if n.name.startswith("_"))
        case _:
            pass


def is_type(node: ast.expr) -> bool:
    """Tell whether a side of `|` is plainly a type, as in the annotation `str | None`."""
    match node:
        case ast.Constant(value=None):
            return True
        case ast.Name(id=name):
            return name in {"str", "int", "bool", "bytes"}
        case ast.Subscript(value=ast.Name(id=name)):
            return name in {"dict", "list", "tuple", "Mapping"}
        case _:
            return False


def comparison_problems(node: ast.Compare) -> Iterator[str]:
    """Allow to ask which word a field holds or whether it is there; nothing about amounts."""
    if not all(isinstance(op, MATCHING) for op in node.ops):
        yield "it compares sizes"
    asks_presence = all(isinstance(side, ast.Name) and side.id == "inputs" for side in node.comparators)
    if not asks_presence and not any(is_word(side) for side in [node.left, *node.comparators]):
        yield "it compares two values"


def is_word(node: ast.expr) -> bool:
    """Tell whether a side of a comparison is a text, None, or a constant of the module."""
    match node:
        case ast.Constant(value=str() | None):
            return True
        case ast.Name(id=name):
            return name.isupper()
        case ast.Tuple(elts=elements) | ast.Set(elts=elements) | ast.List(elts=elements):
            return all(is_word(element) for element in elements)
        case _:
            return False


def number_problems(node: ast.Call) -> Iterator[str]:
    """Allow to make a number of one value as it is: two are a quotient, and a glued text is a sum."""
    if len(node.args) > 1 or node.keywords:
        yield "it makes one number of several"
    for inner in ast.walk(node):
        match inner:
            case ast.JoinedStr():
                yield "it makes a number of a text that it puts together"
            case ast.Call(func=ast.Attribute(attr=name)) if name in GLUE:
                yield f"it makes a number of what {name} puts together"
            case _:
                pass


def handler_problems(kind: ast.expr | None) -> Iterator[str]:
    """Allow errors by their names; a broad net would turn a crash into a refusal."""
    if kind is None:
        yield "it catches everything"
        return
    caught = {node.id for node in ast.walk(kind) if isinstance(node, ast.Name)}
    yield from (f"it catches {name}" for name in sorted(caught & BROAD_ERRORS))


def is_allowed(module: str) -> bool:
    """Tell whether a module decodes scalars or is Buddy's own."""
    return module in IMPORTS or module.partition(".")[0] in {"buddy_core", "buddy_adapters"}


def all_case_ids() -> frozenset[str]:
    """Return the ids of our own cases, and of the folder under test."""
    folders = {HERE / "cases", Path(os.environ.get("BUDDY_ORACLES") or HERE / "cases")}
    files = [path for folder in folders for path in folder.glob("*.json")]
    return frozenset(case["id"] for path in files for case in json.loads(path.read_text())["cases"])


@pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: path.stem)
def test_adapter_computes_nothing(path: Path) -> None:
    """The adapter renames, decodes and chooses; it computes nothing and knows no case."""
    assert breaches(path.read_text(), all_case_ids()) == []


@pytest.mark.parametrize(
    "line",
    [
        "x = inputs['total'] * 2",
        "x = 1 + inputs['a']",
        "x = inputs['a'] // inputs['b']",
        "x = inputs['a'] | inputs['b']",
        "x += inputs['a']",
        "x = -inputs['a']",
        "x = 300",
        "x = 0.5",
        "x = sum(inputs['weights'])",
        "x = round(inputs['a'])",
        "x = sorted(inputs['weights'])",
        "x = Decimal(inputs['a']).quantize(inputs['b'])",
        "x = datetime.fromtimestamp(float(f\"{inputs['ms']}e-3\"), UTC)",
        "x = float(inputs['ms'])",
        "x = Fraction(f\"{inputs['a']}/{inputs['b']}\")",
        "x = Fraction(inputs['a'], inputs['b'])",
        "x = Decimal('e-2'.join([inputs['a'], '']))",
        "x = int(inputs['ms'].replace('000', ''))",
        "x = f\"{inputs['ms']}e-3\"",
        "x = f\"{inputs['a']}/{inputs['b']}\"",
        "x = f\"{inputs['a']}00\"",
        "x = int(inputs['a'], base=inputs['b'])",
        "x = inputs['a'] < inputs['b']",
        "x = inputs['a'] == inputs['b']",
        "x = 'z' >= inputs['a']",
        "x = inputs['a'] in inputs['b']",
        "x = 'exp-KWD'",
        "x = {'pre exp-KWD post': True}",
        "import math",
        "import operator as o",
        "from functools import reduce",
        "from buddy_core.kernel.allocation import _floored",
        "x = a.__add__(b)",
        "x = money._minor",
        "while x: pass",
        "try: pass\nexcept Exception: pass",
        "try: pass\nexcept: pass",
        "try: pass\nexcept (KeyError, BuddyError): pass",
        "class Fraction2: pass",
    ],
)
def test_planted_breach_is_found(line: str) -> None:
    """Each way to compute, compare, peep or guess is seen in a planted source."""
    assert len(breaches(line, frozenset({"exp-KWD"}))) >= 1


@pytest.mark.parametrize(
    "line",
    [
        "def answer(inputs: dict[str, Any], group: str | None) -> dict[str, Any]: ...",
        "x = {'error': True, 'rule': None}",
        "x = [Fraction(w) for w in inputs['weights']]",
        "x = inputs['method'] == 'cascade'",
        "x = 'step_minor' in inputs and inputs['kind'] in ('a', 'b')",
        "x = inputs.get('step') is None",
        "x = [name for name in NAMES if name in inputs]",
        "x = inputs[f'{name}_minor']",
        "x = [int(player) for player in '12']",
        "x = datetime.fromtimestamp(inputs['now'], UTC)",
        "from buddy_core.kernel import allocate",
        "try: pass\nexcept (NoWeights, InvalidValue): pass",
    ],
)
def test_plain_renaming_is_allowed(line: str) -> None:
    """What the adapters are for is not mistaken for a breach."""
    assert breaches(line, frozenset({"exp-KWD"})) == []
