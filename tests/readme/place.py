# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reader's place: a fresh checkout, the README's files in it, an empty collections path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readme.hosts import REPOSITORY
from readme.markdown import Block, blocks

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
LONGEST_COMMAND_S = 240


@dataclass(frozen=True)
class Place:
    """``checkout`` is the current directory; collections are installed into ``collections``, and only there."""

    checkout: Path
    collections: Path
    environment: Mapping[str, str]

    def run(self, command: str) -> str:
        """What a command of the README prints; it must succeed."""
        run = subprocess.run(
            ["bash", "-c", command],
            cwd=self.checkout,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_COMMAND_S,
            check=False,
        )
        assert run.returncode == 0, f"{command}\n{run.stdout}"
        return run.stdout

    def report(self, name: str) -> dict[str, Any]:
        """A document of the last run."""
        document: dict[str, Any] = json.loads((self.checkout / "closewait-report" / name).read_text())
        return document


def readme_file(name: str) -> str:
    """The block of the README that shows this file: its first line is a comment with the name."""
    found = [block for block in blocks(README) if block.lines and block.lines[0] == f"# {name}"]
    assert len(found) == 1, f"the README shows {name} {len(found)} times"
    return "\n".join(found[0].lines) + "\n"


def environment(directory: Path) -> dict[str, str]:
    """What a reader has in the environment, and no trace of ours; ``directory`` takes what Ansible keeps."""
    ours = ("ANSIBLE_", "MAKE", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {
        **kept,
        "ANSIBLE_COLLECTIONS_PATH": str(directory / "collections"),
        "ANSIBLE_HOME": str(directory / "home"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "CLOSEWAIT_CACHE": os.environ.get("CLOSEWAIT_CACHE", str(REPOSITORY / ".cache")),
    }


def block_of(heading: str) -> Block:
    """The first block of commands below a heading."""
    return next(block for block in blocks(README) if block.heading == heading and block.language == "console")
