"""`.env.example` names every setting with its meaning and default."""

from __future__ import annotations

import textwrap
from pathlib import Path

from buddy_web.settings import all_settings

ROOT = Path(__file__).parents[2]
HEAD = """\
# Every setting of Buddy with its default. Copy what you change into `.env` and load it with your process
# manager: systemd's EnvironmentFile, a container's env file, or in a shell: set -a; . ./.env; set +a
"""


def wanted() -> str:
    """Write the file from the settings themselves."""
    blocks = [HEAD]
    for setting in all_settings():
        words = setting.description + (" Secret." if setting.secret else "")
        told = textwrap.wrap(words, 105, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
        blocks.append("\n".join([*told, f"#{setting.name}={setting.default}"]) + "\n")
    return "\n".join(blocks)


def test_example_holds_every_setting() -> None:
    """The file is what the settings say; `python tests/setup/test_env_example.py` writes it anew."""
    assert (ROOT / ".env.example").read_text("utf-8") == wanted()


if __name__ == "__main__":
    (ROOT / ".env.example").write_text(wanted(), "utf-8")
