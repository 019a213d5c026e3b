# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module scene_capture: what it writes, for whom, and what it says when it cannot."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import List

import pytest
from ansible_collections.closewait.remediation.plugins.modules import scene_capture
from ansible_collections.closewait.remediation.tests.unit.plugins.modules.module_run import Run, runner


@pytest.fixture(name="run")
def _run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(scene_capture.main, capsys)


def _modes(folder: Path) -> set[tuple[str, int]]:
    paths: List[Path] = [folder, *folder.rglob("*")]
    return {("d" if path.is_dir() else "f", stat.S_IMODE(path.stat().st_mode)) for path in paths}


def test_a_scene_is_for_its_owner_only(run: Run, tmp_path: Path) -> None:
    dest = tmp_path / "new" / "scenes"
    old = os.umask(0o000)
    try:
        result = run(pids=[os.getpid()], dest=str(dest))
        assert os.umask(0o000) == 0o000, "the umask was not put back"
    finally:
        os.umask(old)
    scene = Path(result["scene"])
    assert result["changed"]
    assert scene.parent == dest
    assert str(os.getpid()) in scene.name
    assert _modes(dest) == {("d", 0o700), ("f", 0o600)}
    assert (scene / "tcp.json").read_text().startswith("{")
    assert (scene / str(os.getpid()) / "stat").read_text().startswith("%d (" % os.getpid())
    written = [path for path in scene.rglob("*") if path.is_file()]
    assert result["files"] == len(written)
    assert result["size"] == sum(path.stat().st_size for path in written)
    assert result["diff"]["after"] == "%s (%d files, %d bytes)\n" % (scene, result["files"], result["size"])
    assert result["diff"]["before"] == ""


def test_check_mode_names_a_scene_and_makes_none(run: Run, tmp_path: Path) -> None:
    result = run(check=True, pids=[os.getpid()], dest=str(tmp_path / "scenes"))
    assert result["changed"]
    assert result["scene"].startswith(str(tmp_path / "scenes"))
    assert not (tmp_path / "scenes").exists()


def test_two_scenes_in_the_same_second_are_two_scenes(run: Run, tmp_path: Path) -> None:
    scenes = [run(pids=[os.getpid()], dest=str(tmp_path)) for _turn in range(3)]
    assert not any(scene.get("failed") for scene in scenes), scenes
    assert len({scene["scene"] for scene in scenes}) == 3


def test_a_process_that_has_ended(run: Run, tmp_path: Path) -> None:
    result = run(pids=[os.getpid(), 4194301], dest=str(tmp_path))
    assert result["failed"]
    assert "no such process: 4194301" in result["msg"]
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run(pids=[os.getpid()], dest=str(tmp_path / "file"))
    assert result["failed"]
    assert "choose another dest" in result["msg"]


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")
    with pytest.raises(FileExistsError):
        scene_capture.write(str(tmp_path), {"x": "theirs"})
    assert (tmp_path / "x").read_text() == "mine"
