"""`buddy royalty` is the calculator of the core, with the manners of the other commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from buddy_core.royalty import Document, read_input, result_files
from buddy_web.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples/royalty_calculator"
TERMS, FACTS = str(EXAMPLE / "terms.json"), str(EXAMPLE / "facts.json")


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["royalty", *arguments])


def _files() -> dict[str, str]:
    documents = [Document(name, Path(name).read_bytes()) for name in (TERMS, FACTS)]
    found = read_input(documents[0], documents[1:])
    return dict(result_files(found.month, found.terms, found.state()))


def test_it_prints_what_the_core_gives(tmp_path: Path) -> None:
    """JSON, CSV, the page and the folder are the same to the byte as those of the core."""
    files = _files()
    assert _run(TERMS, FACTS, "--json").stdout_bytes.decode() == files["result.json"]
    assert _run(TERMS, FACTS, "--csv").stdout_bytes.decode() == files["statements.csv"]
    assert _run(TERMS, FACTS, "--explain").stdout_bytes.decode() == files["statements.txt"]
    assert _run(TERMS, FACTS, "--out", str(tmp_path / "october")).exit_code == 0
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "october").iterdir()}
    assert written == files


def test_facts_may_be_csv(tmp_path: Path) -> None:
    """A CSV beside the JSON is read by the kind that its name says."""
    more = tmp_path / "sales-more.csv"
    more.write_text(
        "id,model,title,territory,currency,gross,at\nr2,rental,monsoon,IN,INR,1000,2026-10-07\n", "utf-8"
    )
    assert "INR 3379.60" in _run(TERMS, FACTS, str(more)).output


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--json", "--csv"), 2, "Give one of --out, --json and --csv."),
        (
            ("--holder", "nobody"),
            1,
            "There is no statement of nobody; there are those of asha-films, kite-capital.",
        ),
        (("--out", str(EXAMPLE / "terms.json" / "x")), 1, "cannot be written: Not a directory."),
        (("--before", FACTS), 1, "sales: is not known here"),
    ],
)
def test_misuse_says_what_to_do(options: tuple[str, ...], code: int, said: str) -> None:
    """Options that do not go together, and what is not there, are told in words."""
    done = _run(TERMS, FACTS, *options)
    assert done.exit_code == code
    assert said in done.output


def test_wrong_input_lists_every_problem_and_writes_nothing(tmp_path: Path) -> None:
    """The exit code is 1, and the folder is not made."""
    wrong = tmp_path / "terms.json"
    wrong.write_text(
        Path(TERMS).read_text("utf-8").replace('"70%"', "0.7").replace('"short"', '"shrt"'), "utf-8"
    )
    done = _run(str(wrong), FACTS, "--out", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert "has 2 problem(s)" in done.output
    assert 'write "0.7" in quotes' in done.output
    assert 'did you mean "short"?' in done.output
    assert not (tmp_path / "out").exists()


def test_parquet_is_refused_in_words(tmp_path: Path) -> None:
    """A file that cannot be read yet says what to do instead."""
    (tmp_path / "watch.parquet").write_bytes(b"PAR1")
    done = _run(TERMS, str(tmp_path / "watch.parquet"))
    assert done.exit_code == 1
    assert "save it as CSV" in done.output
