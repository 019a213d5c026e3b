# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module textfile_write: what a collector finds at any moment, and what a link in a foreign folder does not do."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _textfile
from ansible_collections.closewait.remediation.plugins.modules import textfile_write
from ansible_collections.closewait.remediation.tests.unit.plugins.modules.module_run import Run, runner

TEXT = 'kiln_heat{name="\u00fc"} 7\n'


@pytest.fixture(name="run")
def _run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(textfile_write.main, capsys)


def test_the_four_steps(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "kiln.prom"
    predicted = run(check=True, path=str(path), content=TEXT)
    assert (predicted["changed"], path.exists()) == (True, False)
    made = run(path=str(path), content=TEXT)
    assert made["diff"] == predicted["diff"]
    assert made["diff"]["after"] == TEXT
    assert path.read_text(encoding="utf-8") == TEXT
    assert [run(check=check, path=str(path), content=TEXT)["changed"] for check in (False, True)] == [False, False]
    assert [entry.name for entry in tmp_path.iterdir()] == ["kiln.prom"]


def test_all_may_read_it_whatever_the_umask(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "kiln.prom"
    old = os.umask(0o077)
    try:
        run(path=str(path), content=TEXT)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o600)
    assert run(path=str(path), content=TEXT)["changed"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_link_is_replaced_and_never_followed(run: Run, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text(TEXT, encoding="utf-8")
    victim.chmod(0o600)
    path = tmp_path / "kiln.prom"
    path.symlink_to(victim)
    result = run(path=str(path), content=TEXT)
    assert (result["changed"], result["diff"]["before"]) == (True, "")
    assert not path.is_symlink()
    assert stat.S_IMODE(victim.stat().st_mode) == 0o600


def test_the_draft_is_none_that_would_be_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts = []
    monkeypatch.setattr(os, "replace", lambda draft, path: drafts.append((draft, path)))
    _textfile.write(str(tmp_path / "kiln.prom"), b"")
    [(draft, path)] = drafts
    assert Path(draft).parent == Path(path).parent
    assert not draft.endswith(".prom")
    assert stat.S_IMODE(Path(draft).stat().st_mode) == 0o644


def test_a_failure_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kiln.prom"
    _textfile.write(str(path), b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        _textfile.write(str(path), b"new")
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("kiln.prom", b"old")]


@pytest.mark.parametrize(
    ("name", "says"),
    [("kiln.txt", "does not end in .prom"), ("nowhere/kiln.prom", "could not be written: No such file")],
)
def test_refusals(run: Run, tmp_path: Path, name: str, says: str) -> None:
    assert says in run(path=str(tmp_path / name), content=TEXT)["msg"]
    assert list(tmp_path.iterdir()) == []
