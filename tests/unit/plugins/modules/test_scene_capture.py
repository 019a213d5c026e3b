# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module scene_capture: what it writes, for whom, and what it says when it cannot."""

from __future__ import annotations

import os
import stat
import tarfile
from pathlib import Path
from typing import Dict, List

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
    assert scene.name.endswith("-%d.tar.gz" % os.getpid())
    assert _modes(dest.parent) == {("d", 0o700), ("f", 0o600)}
    assert result["archive_size"] == scene.stat().st_size
    with tarfile.open(scene) as archive:
        members = {member.name: member.size for member in archive.getmembers()}
    assert {"manifest.json", "tcp.json", "%d/stat" % os.getpid(), "%d/environ_names" % os.getpid()} <= set(members)
    assert (result["files"], result["size"]) == (len(members), sum(members.values()))
    assert result["cut"] == []
    assert result["diff"]["after"] == "%s (%d files, %d bytes)\n" % (scene, result["files"], result["size"])
    assert result["diff"]["before"] == ""


def test_check_mode_names_a_scene_and_makes_none(run: Run, tmp_path: Path) -> None:
    result = run(check=True, pids=[os.getpid()], dest=str(tmp_path / "scenes"))
    assert result["changed"]
    assert result["scene"].startswith(str(tmp_path / "scenes"))
    assert result["archive_size"] is None
    assert not (tmp_path / "scenes").exists()


def test_without_processes_the_host_is_kept(run: Run, tmp_path: Path) -> None:
    with tarfile.open(run(pids=[], dest=str(tmp_path))["scene"]) as archive:
        assert all(name.split("/")[0] in ("manifest.json", "tcp.json", "host") for name in archive.getnames())


def test_the_bound_is_kept_and_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "long.log").write_text("a line\n" * 40_000)
    result = run(pids=[], dest=str(tmp_path), files=[str(tmp_path / "long.log")], log_bytes=1 << 20, max_bytes=100_000)
    assert result["size"] < 100_000 + 2000
    assert "host/files%s/long.log" % tmp_path in result["cut"]


@pytest.mark.parametrize("option", [{"log_bytes": 0}, {"max_bytes": 10}, {"max_items": 0}])
def test_out_of_range(run: Run, tmp_path: Path, option: Dict[str, int]) -> None:
    result = run(pids=[], dest=str(tmp_path), **option)
    assert result["failed"]
    assert next(iter(option)) in result["msg"]


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
