# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command that has to succeed."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

LONGEST_S = 60.0
_LINES_TOLD = 3


class CommandError(Exception):
    """A command failed; the text has the end of its complaint."""


def run(argv: Sequence[str | Path], given: str | None = None, seconds: float = LONGEST_S) -> str:
    """What it prints; ``given`` is its standard input."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(words, input=given or "", capture_output=True, text=True, timeout=seconds, check=False)
    except OSError as error:
        raise CommandError(f"{words[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{' '.join(words)}: still running after {seconds:g} s") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        told = "; ".join(said[-_LINES_TOLD:]) or "no word"
        raise CommandError(f"{' '.join(words)} ended with {done.returncode}: {told}")
    return done.stdout
