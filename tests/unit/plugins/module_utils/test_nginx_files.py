# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files nginx reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import files as nginx_files
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import main_level as nginx_main_level


def _write(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder / "nginx.conf")


def test_includes_are_relative_to_the_main_file_and_a_dot_hides(tmp_path: Path) -> None:
    main = _write(
        tmp_path,
        {
            "nginx.conf": "http { include conf.d/*.conf; }",
            "conf.d/b.conf": "include parts/x;",
            "conf.d/a.conf": "a;",
            "conf.d/.hidden.conf": "b;",
            "conf.d/c.txt": "c;",
            "parts/x": "x;",
            "conf.d/parts/x": "never;",
        },
    )
    found = nginx_files.read(main)
    assert {str(Path(path).relative_to(tmp_path.resolve())) for path in found.contents} == {
        "nginx.conf",
        "conf.d/a.conf",
        "conf.d/b.conf",
        "parts/x",
    }
    order = [Path(path).name for path in found.includes[str(tmp_path / "conf.d/*.conf")]]
    assert order == ["a.conf", "b.conf"]


def test_a_file_behind_two_names_is_there_once(tmp_path: Path) -> None:
    main = _write(tmp_path, {"nginx.conf": "include on/*;", "available/a": "a;"})
    (tmp_path / "on").mkdir()
    for name in ("one", "two"):
        (tmp_path / "on" / name).symlink_to(tmp_path / "available/a")
    found = nginx_files.read(main)
    assert len(found.contents) == 2
    assert len(found.includes[str(tmp_path / "on/*")]) == 2


def test_includes_in_a_circle_end(tmp_path: Path) -> None:
    main = _write(tmp_path, {"nginx.conf": "include a;", "a": "include nginx.conf;"})
    assert len(nginx_files.read(main).contents) == 2


def test_a_missing_include_is_an_error_and_a_pattern_without_files_is_not(tmp_path: Path) -> None:
    main = _write(tmp_path, {"nginx.conf": "include none/*; include gone;"})
    with pytest.raises(nginx_files.ConfigError, match="gone, which does not exist"):
        nginx_files.read(main)


def test_an_include_in_quotes_lua_or_a_comment_is_none(tmp_path: Path) -> None:
    main = _write(
        tmp_path,
        {
            "nginx.conf": "# include a;\nb 'include c;'; content_by_lua_block { -- include d;\n } include \"e f\";",
            "e f": "x;",
        },
    )
    assert [Path(path).name for path in nginx_files.read(main).contents] == ["nginx.conf", "e f"]


def test_the_main_level_says_where_pid_and_log_are(tmp_path: Path) -> None:
    main = _write(
        tmp_path,
        {
            "nginx.conf": "include main.d/*; http { error_log inner; }",
            "main.d/a": "pid run/x.pid;error_log stderr;error_log e.log;",
        },
    )
    files = nginx_files.read(main)
    folder = str(tmp_path)
    assert nginx_main_level.pid_file(files, folder, "/p", "/d.pid") == "/p/run/x.pid"
    assert nginx_main_level.error_log(files, folder, "/p", "/d.log") == "/p/e.log"


def test_the_main_level_without_them(tmp_path: Path) -> None:
    files = nginx_files.read(_write(tmp_path, {"nginx.conf": "events { }"}))
    assert nginx_main_level.pid_file(files, "/", "/p", "/d.pid") == "/d.pid"
    assert nginx_main_level.error_log(files, "/", "/p", "stderr") is None
