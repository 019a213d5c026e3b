# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a redis.conf with its includes from real files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._redis import conf as redis_conf
from ansible_collections.closewait.remediation.plugins.module_utils._redis import conf_files as redis_conf_files
from ansible_collections.closewait.remediation.plugins.module_utils._redis.conf import ConfError


def _write(folder: Path, **texts: str) -> str:
    """Files in the folder, ``__`` for a dot in their names; returns the path of main.conf."""
    for name, text in texts.items():
        path = folder / name.replace("__", ".")
        path.write_text(text.replace("{}", str(folder)))
    return str(folder / "main.conf")


def _timeout(main: str) -> str:
    return redis_conf.values(redis_conf_files.read_tree(main).lines, ["timeout"])["timeout"] or ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("timeout 1\ninclude {}/a.conf\n", "2"),
        ("include {}/a.conf\ntimeout 1\n", "1"),
        ("INCLUDE '{}/a.conf'\n", "2"),
        ("timeout 1\ninclude {}/[a]*.conf\n", "2"),
        ("timeout 1\ninclude {}/none-*.conf\n", "1"),
        ("timeout 1\ndir {}\ninclude a.conf\n", "2"),
    ],
)
def test_an_include_takes_effect_where_it_stands(tmp_path: Path, text: str, expected: str) -> None:
    assert _timeout(_write(tmp_path, main__conf=text, a__conf="timeout 2\n")) == expected


def test_includes_in_includes(tmp_path: Path) -> None:
    main = _write(tmp_path, main__conf="include {}/a.conf\n", a__conf="include {}/b.conf\n", b__conf="timeout 3\n")
    tree = redis_conf_files.read_tree(main)
    assert [(line.path, line.words[1]) for line in tree.lines] == [(str(tmp_path / "b.conf"), "3")]
    assert sorted(tree.texts) == [str(tmp_path / name) for name in ("a.conf", "b.conf", "main.conf")]


def test_a_line_knows_the_wildcards_that_led_to_it(tmp_path: Path) -> None:
    main = _write(tmp_path, main__conf="include {}/*.inc\n", x__inc="include {}/y.conf\n", y__conf="timeout 3\n")
    tree = redis_conf_files.read_tree(main)
    assert tree.lines[0].globs == (str(tmp_path / "*.inc"),)
    assert tree.patterns == [str(tmp_path / "*.inc")]


@pytest.mark.parametrize("before", ["", "dir sub\n", "dir {}\ndir sub\n"])
def test_a_relative_include_is_refused_when_nothing_says_relative_to_what(tmp_path: Path, before: str) -> None:
    main = _write(tmp_path, main__conf=before + "include a.conf\n", a__conf="timeout 2\n")
    with pytest.raises(ConfError, match="relative"):
        redis_conf_files.read_tree(main)


def test_a_missing_include_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfError, match=r"gone\.conf cannot be read: No such file"):
        redis_conf_files.read_tree(_write(tmp_path, main__conf="include {}/gone.conf\n"))


def test_a_circle_ends(tmp_path: Path) -> None:
    with pytest.raises(ConfError, match="includes itself"):
        redis_conf_files.read_tree(_write(tmp_path, main__conf="include {}/a.conf\n", a__conf="include {}/main.conf\n"))


def test_a_file_that_redis_would_join_with_the_next_is_refused(tmp_path: Path) -> None:
    texts = {"main__conf": "include {}/*.inc\n", "a__inc": "timeout 1", "b__inc": "port 2\n"}
    with pytest.raises(ConfError, match=r"a\.inc: no newline at its end"):
        redis_conf_files.read_tree(_write(tmp_path, **texts))


def test_the_last_of_a_wildcard_may_lack_its_newline(tmp_path: Path) -> None:
    texts = {"main__conf": "include {}/*.inc\n", "a__inc": "port 2\n", "b__inc": "timeout 1"}
    assert _timeout(_write(tmp_path, **texts)) == "1"


def test_assumed_texts_are_read_instead_of_the_files_and_found_by_wildcards(tmp_path: Path) -> None:
    main = _write(tmp_path, main__conf="include {}/*.inc\n", a__inc="timeout 1\n")
    assumed = {str(tmp_path / "b.inc"): "timeout 2\n", str(tmp_path / ".c.inc"): "timeout 3\n"}
    tree = redis_conf_files.read_tree(main, assumed)
    assert [line.words[1] for line in tree.lines] == ["1", "2"]


def test_any_bytes_survive(tmp_path: Path) -> None:
    raw = bytes(range(1, 256))
    path = tmp_path / "odd.conf"
    path.write_bytes(raw)
    assert redis_conf_files.encoded(redis_conf_files.read_text(str(path))) == raw


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/etc/r/*.conf", "/etc/r/a.conf", True),
        ("/etc/r/*.conf", "/etc/r/sub/a.conf", False),
        ("/etc/*/a.conf", "/etc/r/a.conf", True),
        ("/etc/r/*", "/etc/r/.a.conf.x1", False),
        ("/etc/r/.*", "/etc/r/.a.conf.x1", True),
        ("/etc/r/[ab].conf", "/etc/r/c.conf", False),
        ("/etc/r/?.conf", "/etc/r/c.conf", True),
    ],
)
def test_wildcards_match_as_in_the_shell(pattern: str, path: str, *, expected: bool) -> None:
    assert redis_conf_files.matches(pattern, path) is expected
