# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs, configuration, stacks, and the bound of what is kept of them."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._scene import archive, scene, stacks, texts
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    has_ended,
    needs_gdb,
    needs_root,
    running,
    started_when_written,
    wait_until,
)

SECRET = "s3cretvalue"  # noqa: S105 - of nobody


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("requirepass s3cretvalue", "requirepass ********"),
        ("  password: s3cretvalue", "  password: ********"),
        ("DB_PASSWORD=s3cretvalue", "DB_PASSWORD=********"),
        ("broker_url = redis://:s3cretvalue@10.0.0.1/0", "broker_url = redis://********@10.0.0.1/0"),
        ("proxy_set_header X-Auth-Token s3cretvalue;", "proxy_set_header X-Auth-Token ********"),
        ("Authorization: Bearer s3cretvalue", "Authorization: ******** ********"),
        ("proxy_pass http://app;", "proxy_pass http://app;"),
        ("timeout 300", "timeout 300"),
    ],
)
def test_what_is_named_like_a_secret_is_hidden(line: str, kept: str) -> None:
    found = texts.masked(line + "\n")
    assert found == texts.Text(kept + "\n", int(line != kept))


def test_a_secret_at_the_end_of_a_long_line_is_hidden_too() -> None:
    line = "x" * 3000 + " password=" + SECRET + " " + "y" * 3000
    assert SECRET not in texts.masked(line).text


def test_files_of_a_process(tmp_path: Path) -> None:
    log, conf = tmp_path / "app.log", tmp_path / "app.conf"
    conf.write_text("timeout 300\nrequirepass %s\n" % SECRET)
    code = "import sys\nf = open(%r, 'a', 1)\nf.write('a line\\n' * 400)\nprint(1)\ninput()" % str(log)
    with running(code, "--config=%s" % conf, "%s/none.ini" % tmp_path) as program:
        found = texts.of_process(program.pid, 70)
    assert found[str(log)].text == "(the first 2730 bytes are left out)\n" + "a line\n" * 9
    assert found[str(conf)] == texts.Text("timeout 300\nrequirepass ********\n", 1)
    assert found["%s/none.ini" % tmp_path].text.startswith("could not look: ")


def test_files_that_somebody_named(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "error.log").write_text("one\ntwo\n")
    found = texts.named([str(tmp_path / "error.log"), str(pipe), str(tmp_path / "none")], 100)
    assert [found[str(tmp_path / name)].text.split(":")[0] for name in ("pipe", "none")] == ["could not look"] * 2
    assert found[str(tmp_path / "error.log")].text == "one\ntwo\n"


def _names(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as packed:
        assert {member.mode for member in packed.getmembers()} == {0o600}
        return {member.name: (packed.extractfile(member) or io.BytesIO()).read() for member in packed.getmembers()}


def test_an_archive(tmp_path: Path) -> None:
    packed = archive.pack({"1/stat": texts.Text("1 (init)\n", 0), "1/files/a b": texts.Text("x\n", 3)}, 10_000)
    size = archive.write(str(tmp_path / "a.tar.gz"), packed)
    about = (tmp_path / "a.tar.gz").stat()
    assert (about.st_size, stat.S_IMODE(about.st_mode)) == (size, 0o600)
    found = _names(tmp_path / "a.tar.gz")
    manifest = json.loads(found.pop("manifest.json"))
    assert found == {"1/stat": b"1 (init)\n", "1/files/a b": b"x\n"}
    assert (manifest["cut"], manifest["masked_lines"], packed.masked_lines) == ([], {"1/files/a b": 3}, 3)
    assert manifest["files"] == {"1/stat": 9, "1/files/a b": 2}


def test_the_bound_holds_and_the_cut_is_stated() -> None:
    whole = {name: texts.Text("x" * 6000, 0) for name in ("first", "second", "third")}
    packed = archive.pack(whole, 11_000)
    kept = {name: len(raw) for name, raw in packed.texts.items() if name != archive.MANIFEST}
    assert kept == {"first": 6000, "second": 5000}
    assert packed.cut == ["second", "third"]


def test_what_is_there_is_not_overwritten_and_what_failed_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = archive.pack({"a": texts.Text("a", 0)}, 9)
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(FileExistsError):
        archive.write(str(tmp_path / "mine"), packed)
    assert (tmp_path / "mine").read_text() == "mine"

    def full(_name: str, _raw: bytes) -> tarfile.TarInfo:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "_entry", full)
    with pytest.raises(OSError, match="No space left"):
        archive.write(str(tmp_path / "new"), packed)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_scene_has_the_kernel_first_and_the_logs_last(tmp_path: Path) -> None:
    (tmp_path / "error.log").write_text("password=%s\n" % SECRET)
    wanted = scene.Wanted([os.getpid()], [str(tmp_path / "error.log")], 4096, False, None, 50)
    found = scene.collect(wanted)
    names = list(found)
    assert names[0].startswith("host/")
    assert names[-1] == "host/files%s/error.log" % tmp_path
    assert found[names[-1]] == texts.Text("password=********\n", 1)
    assert "%d/limits" % os.getpid() in names
    assert not any(name.endswith("/stacks") for name in names)


def test_py_spy_is_asked_not_to_stop_the_process(tmp_path: Path) -> None:
    program = tmp_path / "py-spy"
    program.write_text('#!/bin/sh\necho "asked $*"\n')
    program.chmod(0o700)
    assert stacks.of(os.getpid(), str(program)) == "asked dump --nonblocking --pid %d\n" % os.getpid()
    program.write_text("#!/bin/sh\necho no symbols\nexit 3\n")
    assert stacks.of(os.getpid(), str(program)) == "could not look: %s ended with 3\nno symbols\n" % program
    assert stacks.of(os.getpid(), "/no/such").startswith("could not look: /no/such: No such file")


def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "_DEADLINE_S", 0.3)
    started_when_written(tmp_path / "child", monkeypatch)
    program = tmp_path / "py-spy"
    program.write_text("#!/bin/sh\nsleep 60 & echo $! > %s/child\nwait\n" % tmp_path)
    program.chmod(0o700)
    assert "took longer" in stacks.of(os.getpid(), str(program))
    child = int((tmp_path / "child").read_text())
    # Killed, it still has to get a CPU to die on.
    wait_until(lambda: has_ended(child))


@needs_root
@needs_gdb
def test_gdb_shows_the_stacks_and_lets_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "_is_python", lambda _pid: False)
    with running("print(1); input()") as program:
        text = stacks.of(program.pid, None)
        assert "TracerPid:\t0\n" in Path("/proc/%d/status" % program.pid).read_text()
    assert "#0 " in text, text
