# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python3 -m benchmark [NAME...]``: run the measurements, print their tables, write them into docs/BENCHMARKS.md."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import figures, machine, measured, report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TESTS = Path(__file__).resolve().parents[1]
DOCUMENT = TESTS.parent / "docs" / "BENCHMARKS.md"
COMMANDS = ("gdb", "ip", "lsof", "nsenter", "ss", "unshare")
#: One measurement, s. All together stay far below the sum: this only ends what hangs.
TIMEOUT_S = 1200
ISOLATION = ("unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", "--")


def main() -> int:
    """Return 0 when everything was measured and written down."""
    _refuse_when_unfit()
    known = sorted(module.name for module in pkgutil.iter_modules(measured.__path__))
    names = sys.argv[1:] or known
    if unknown := set(names) - set(known):
        print(f"no measurement {', '.join(sorted(unknown))}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in names:
        _prepare(name)
    facts = machine.describe()
    sections = []
    for name in names:
        sections.append(_isolated(name))
        print(report.section_text(sections[-1]), flush=True)
    DOCUMENT.write_text(_written(facts, sections, whole=names == known))
    print(f"written: {DOCUMENT.relative_to(TESTS.parent)}")
    return 0


def _written(facts: Mapping[str, str], sections: Sequence[figures.Section], *, whole: bool) -> str:
    """The new document: all of it, or the one that there is with these sections put in."""
    if whole:
        return report.document(facts, sections)
    document = DOCUMENT.read_text()
    for section in sections:
        document = report.replaced(document, section)
    return document


def _refuse_when_unfit() -> None:
    problems = [f"{command} is missing" for command in COMMANDS if shutil.which(command) is None]
    if os.geteuid() != 0:
        problems.append("it needs root: namespaces of its own, ptrace")
    if problems:
        raise SystemExit("The benchmark cannot run here: " + "; ".join(problems))


def _prepare(name: str) -> None:
    """What a measurement needs from outside of its namespaces, where it has a ``prepare``."""
    module = importlib.import_module(f".measured.{name}", __package__)
    if hasattr(module, "prepare"):
        module.prepare()


def _isolated(name: str) -> figures.Section:
    """Measure in network and PID namespaces of their own, whose end ends everything that was started in them."""
    argv = [*ISOLATION, sys.executable, "-m", "benchmark.isolated", name]
    print(f"measuring {name} ...", file=sys.stderr, flush=True)
    run = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False, cwd=TESTS, timeout=TIMEOUT_S)
    if run.returncode != 0:
        raise SystemExit(f"measuring {name} failed (exit status {run.returncode})")
    return figures.from_json(json.loads(run.stdout))


if __name__ == "__main__":
    raise SystemExit(main())
