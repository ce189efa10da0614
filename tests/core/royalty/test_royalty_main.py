"""`python -m buddy_core.royalty`: attrs alone, every exit code, files whole or not at all."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import attr
import attrs
import jsonschema_rs
import pytest

from buddy_core.royalty import schema_json
from buddy_core.royalty.__main__ import main
from buddy_core.royalty.command import Unusable, write_files

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples/royalty_calculator"
TERMS, FACTS = str(EXAMPLE / "terms.json"), str(EXAMPLE / "facts.json")
FULL = [str(Path(__file__).parent / "full_month" / name) for name in ("terms.json", "facts.json")]
FILES = {"result.json", "closing.json", "statements.csv", "reconciliation.csv", "statements.txt"}

# The interpreter knows no site-packages; a finder of its own refuses whatever is not among the three.
ISOLATED = """
import runpy, sys
sys.path[:] = [path for path in sys.path if not path.endswith("-packages")] + [{folder!r}]
class Strangers:
    def find_spec(self, name, path=None, target=None):
        first = name.partition(".")[0]
        ours = ("attr", "attrs", "buddy_core")
        # The interpreter's own build data are no package, and stdlib_module_names leaves them out.
        if first not in sys.stdlib_module_names and not first.startswith(("_sysconfigdata", *ours)):
            raise ImportError(f"{{name}} is neither attrs nor the standard library")
sys.meta_path.insert(0, Strangers())
sys.argv[1:] = {arguments!r}
runpy.run_module("buddy_core.royalty", run_name="__main__")
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the core and attrs, as `pip install buddy-ott` makes it for the core."""
    folder = tmp_path_factory.mktemp("packages")
    for package in (attr, attrs):
        source = Path(package.__file__).parent
        shutil.copytree(source, folder / source.name)
    shutil.copytree(ROOT / "buddy_core", folder / "buddy_core", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _run(bare: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    code = ISOLATED.format(folder=str(bare), arguments=list(arguments))
    return subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", code],
        capture_output=True,
        timeout=120,
        check=False,
    )


def _here(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the calculator in this process."""
    said, faults = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(stream, "utf-8", write_through=True) for stream in (said, faults))
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as ending:
            code = int(ending.code or 0)
    return subprocess.CompletedProcess(arguments, code, said.getvalue(), faults.getvalue())


def test_a_month_needs_attrs_alone(bare: Path) -> None:
    """With nothing else importable, the example's month is printed, explained, and adds up."""
    done = _run(bare, TERMS, FACTS, "--explain")
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert "recouped                                              INR -3000.00" in text
    assert "By deal kites asha-films has 30 % of 274.90 INR: 82.47 INR." in text
    assert text.rstrip().endswith("INR 0.00")
    assert _run(bare, TERMS).returncode == 2
    assert _run(bare, TERMS, TERMS).returncode == 1


def test_all_files_are_written(tmp_path: Path) -> None:
    """--out writes five files and leaves nothing half done; again gives the same bytes."""
    out = tmp_path / "new" / "october"
    first: dict[str, bytes] = {}
    for _ in range(2):
        done = _here(TERMS, FACTS, "--out", str(out))
        assert done.returncode == 0, done.stderr
        assert {path.name for path in out.iterdir()} == FILES
        again = {path.name: path.read_bytes() for path in out.iterdir()}
        assert first in ({}, again)
        first = again
    assert _here(TERMS, FACTS, "--json").stdout == first["result.json"]
    assert _here(TERMS, FACTS, "--csv").stdout == first["statements.csv"]


def test_a_month_goes_on_where_the_last_one_closed(tmp_path: Path) -> None:
    """closing.json is given back as it is: an advance that was recouped is not recouped twice."""
    october = tmp_path / "october"
    assert _here(TERMS, FACTS, "--out", str(october)).returncode == 0
    terms = json.loads((EXAMPLE / "terms.json").read_text("utf-8"))
    terms["month"]["name"] = "2026-11"
    facts = json.loads((EXAMPLE / "facts.json").read_text("utf-8"))
    facts["sales"][0]["at"] = "2026-11-30"
    (tmp_path / "terms.json").write_text(json.dumps(terms), "utf-8")
    (tmp_path / "facts.json").write_text(json.dumps(facts), "utf-8")
    given = (str(tmp_path / "terms.json"), str(tmp_path / "facts.json"))
    done = _here(*given, "--json", "--before", str(october / "closing.json"))
    assert done.returncode == 0, done.stderr
    settlement = json.loads(done.stdout)["statements"][0]["settlements"][0]
    assert (settlement["opening"]["recouped"], settlement["payable"]) == (300000, 354184 - 35418)
    wrong = _here(TERMS, FACTS, "--before", str(october / "closing.json"))
    assert wrong.returncode == 1
    assert b"closing.json, month: is '2026-10'; give what 2026-09 closed with" in wrong.stderr


def test_wrong_input_writes_nothing(tmp_path: Path) -> None:
    """Every problem goes to the error output, the exit code is 1, and the folder is not even made."""
    terms = json.loads((EXAMPLE / "terms.json").read_text("utf-8"))
    terms["deals"][0]["part"] = 0.7
    (tmp_path / "terms.json").write_text(json.dumps(terms), "utf-8")
    done = _here(str(tmp_path / "terms.json"), FACTS, "--out", str(tmp_path / "out"))
    assert (done.returncode, done.stdout) == (1, b"")
    assert b'deals[0].part: is 0.7 without quotes, which computers keep inexactly; write "0.7"' in done.stderr
    assert not (tmp_path / "out").exists()


_COMPARES = b"error: --token-value compares, as --instead does; leave --out, --json and --csv out\n"
_ALL = b"error: --out and --instead have figures of all holders; leave --holder out, or print what is one "
_NO_VALUE = (
    b" is no value of a token; write kind/currency=minor units, such as paid/INR=60 or bonus/USD=27/5\n"
)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), b"error: name the file of terms and then at least one of facts\n"),
        ((TERMS,), b"error: name the file of terms and then at least one of facts\n"),
        ((TERMS, "none.json"), b"none.json: cannot be read (No such file or directory)"),
        ((TERMS, FACTS, "--out", TERMS), b"cannot be written (File exists); name another folder"),
        (
            (TERMS, FACTS, "--holder", "nobody"),
            b"there is no statement of nobody; there are those of asha-films, kite-capital\n",
        ),
        ((TERMS, FACTS, "--csv", "--json"), b"not allowed with argument"),
        ((TERMS, FACTS, "--out", "o", "--holder", "kite-capital"), b"have figures of all holders; leave"),
        (
            (TERMS, FACTS, "--instead", TERMS, "--holder", "kite-capital"),
            b"have figures of all holders; leave",
        ),
        ((TERMS, FACTS, "--cvs"), b"unrecognized arguments: --cvs"),
        ((TERMS, FACTS, "--schema", "sales"), b"invalid choice: 'sales'"),
        ((TERMS, FACTS, "--token-value", "paid/INR=60", "--csv"), _COMPARES),
        ((TERMS, FACTS, "--token-value", "paid/INR=60", "--explain", "--json"), _COMPARES),
        ((TERMS, FACTS, "--token-value", "paid/INR=60", "--holder", "kite-capital"), _ALL),
        (
            (TERMS, FACTS, "--token-value", "paid/INR=60"),
            b"no tokens paid/INR were spent; there are none at all\n",
        ),
        (
            (*FULL, "--token-value", "gift/INR=60"),
            b"no tokens gift/INR were spent; there are bonus/INR, paid/INR\n",
        ),
        ((TERMS, FACTS, "--token-value", "paid/inr=60"), b"paid/inr=60" + _NO_VALUE),
        ((TERMS, FACTS, "--token-value", "paid/INR=-1"), b"paid/INR=-1" + _NO_VALUE),
        ((TERMS, FACTS, "--token-value", "paid/INR=much"), b"paid/INR=much" + _NO_VALUE),
    ],
)
def test_misuse_is_told_apart(arguments: tuple[str, ...], said: bytes) -> None:
    """Words and files that cannot be used end with 2, and say what to do, without a traceback."""
    done = _here(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["terms", "facts", "result", "closing"])
def test_schemas_are_printed(name: str) -> None:
    """--schema needs no files."""
    done = _here("--schema", name)
    assert done.stdout.decode() == schema_json(name)


@pytest.mark.parametrize("options", [(), ("--explain",), ("--csv",), ("--json",)])
def test_what_is_for_one_holder_has_nobody_else(options: tuple[str, ...]) -> None:
    """With --holder no figure, name or account of another holder, or of the platform, is printed."""
    done = _here(TERMS, FACTS, "--holder", "kite-capital", *options)
    assert done.returncode == 0
    assert b"kite-capital" in done.stdout
    for other in (b"asha", b"platform", b"kites", b"543091", b"INR 5430.91"):
        assert other not in done.stdout.replace(b'"platform": []', b"")


def test_the_json_of_one_holder_is_a_result() -> None:
    """It reads as a result does, and goes on with that holder's balances alone."""
    done = _here(TERMS, FACTS, "--holder", "asha-films", "--json")
    whole = json.loads(done.stdout)
    jsonschema_rs.validate(json.loads(schema_json("result")), whole)
    assert list(whole["closing"]["accounts"]) == ["asha-inr"]
    assert sorted(whole["closing"]["deals"]) == ["kites", "monsoon-producer"]
    assert whole["reconciliations"] == whole["pools"] == []


def test_other_terms_are_tried_and_nothing_is_written(tmp_path: Path) -> None:
    """It prints who would have how much more or less of which title, each holder's sum, and no statement."""
    terms = json.loads(Path(TERMS).read_text("utf-8"))
    deal = terms["deals"][0]
    deal["rates"] = {**deal.get("rates", {}), "rental": "1%"}
    other = tmp_path / "other.json"
    other.write_text(json.dumps(terms), "utf-8")
    done = _here(TERMS, FACTS, "--instead", str(other))
    assert (done.returncode, done.stderr) == (0, b"")
    assert f"{deal['holder']}, {deal['title']}: " in done.stdout.decode()
    *_, last = done.stdout.decode().splitlines()
    assert last.startswith("platform: ")
    assert _here(TERMS, FACTS, "--instead", TERMS).stdout == b"Nobody would have more or less.\n"
    assert sorted(tmp_path.iterdir()) == [other]


def test_other_terms_are_of_the_same_month(tmp_path: Path) -> None:
    """Terms of another month are refused, and what is wrong in the other file is told with its name."""
    terms = json.loads(Path(TERMS).read_text("utf-8"))
    terms["month"]["name"] = "2025-01"
    terms.pop("before", None)
    other = tmp_path / "other.json"
    other.write_text(json.dumps(terms), "utf-8")
    done = _here(TERMS, FACTS, "--instead", str(other))
    assert done.returncode == 2
    assert b"other.json" in done.stderr
    other.write_text('{"month": {}}', "utf-8")
    done = _here(TERMS, FACTS, "--instead", str(other))
    assert done.returncode == 1
    assert b"other.json" in done.stderr


def test_tokens_of_another_worth_are_tried() -> None:
    """Of what they are worth nobody has more or less; of less each holder has less, and all are told."""
    assert _here(*FULL, "--token-value", "paid/INR=60").stdout == b"Nobody would have more or less.\n"
    done = _here(*FULL, "--token-value", "paid/INR=0", "--token-value", "bonus/INR=27/35", "--explain")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == TRIED
    assert _here(*FULL, "--token-value", "paid/INR=0", "--instead", FULL[0]).stdout.startswith(
        b"asha-films, "
    )


TRIED = """\
asha-films, kites: INR 397.68 now, INR 361.71 then, INR -35.97
asha-films, monsoon: INR 1776.49 now, INR 1774.86 then, INR -1.62
asha-films, monsoon: USD 7.26 now, USD 7.26 then, USD 0.00
kite-capital, monsoon: INR 2251.60 now, INR 2250.80 then, INR -0.80
platform, kites: INR 596.52 now, INR 542.57 then, INR -53.96
platform, monsoon: INR 7608.91 now, INR 7605.33 then, INR -3.58
platform, monsoon: USD 31.21 now, USD 31.21 then, USD 0.00

asha-films: INR -37.60
asha-films: USD 0.00
kite-capital: INR -0.80
platform: INR -57.53
platform: USD 0.00
"""


def test_help_says_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option in one line, and what the exit code means."""
    monkeypatch.setenv("COLUMNS", "300")
    text = " ".join(_here("--help").stdout.decode().split())
    for said in HELP:
        assert f" {said}" in text


HELP = [
    "python -m buddy_core.royalty [-h] [--before BEFORE]",
    "[--token-value KIND/CURRENCY=MINOR] [--schema {terms,facts,result,closing}]",
    "Calculate a month's royalty statements, exactly, from terms and facts. ",
    "terms JSON: the month, deals, accounts and pools ",
    "facts JSON, or CSV named after its kind, such as sales.csv ",
    "--before BEFORE closing.json of the month before ",
    "--out OUT write all files into this folder ",
    "--json print the result as JSON ",
    "--csv print the statements as CSV ",
    "--instead INSTEAD other terms: print who would have more or less by them ",
    "what one token would be worth, such as paid/INR=60: print who would have more or less by it ",
    "print the JSON Schema of a file ",
    "--explain say of each line where it comes from ",
    "--holder HOLDER print this holder's statements alone: what may be sent to them ",
    "Exits with 1 and lists every problem where the input is wrong; then nothing is written.",
]


def test_what_cannot_be_read_is_told_with_its_reason() -> None:
    """A name that no system takes has a reason too."""
    assert (
        _here(TERMS, "a\0b").stderr
        == b"a\0b: cannot be read (embedded null byte); look at its name and folder\n"
    )


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """UTF-8 with plain line ends, readable by all; what fails leaves no file and nothing half done behind."""
    write_files(tmp_path / "new", {"a.csv": "\u20b9 1\r\n", "b.txt": "2\n"})
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()} == {
        "a.csv": b"\xe2\x82\xb9 1\r\n",
        "b.txt": b"2\n",
    }
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()} == {0o644}
    (tmp_path / "old" / "b.txt").mkdir(parents=True)
    (tmp_path / "old" / "a.csv").write_bytes(b"old")
    with pytest.raises(Unusable) as refused:
        write_files(tmp_path / "old", {"b.txt": "2", "a.csv": "new"})
    assert (
        str(refused.value) == f"{tmp_path / 'old'}: cannot be written (Is a directory); name another folder"
    )
    assert sorted(path.name for path in (tmp_path / "old").iterdir()) == ["a.csv", "b.txt"]
    assert (tmp_path / "old" / "a.csv").read_bytes() == b"old"
