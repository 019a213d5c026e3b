# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deciding on and writing the change of a configuration, on real files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _safe_file
from ansible_collections.closewait.remediation.plugins.module_utils._redis import conf_files as redis_conf_files
from ansible_collections.closewait.remediation.plugins.module_utils._redis import conf_rewrite as redis_conf_rewrite
from ansible_collections.closewait.remediation.plugins.module_utils._redis import conf_write as redis_conf_write
from ansible_collections.closewait.remediation.plugins.module_utils._redis.conf import ConfError

WANTED = {"timeout": "0"}


@pytest.fixture(name="main")
def fixture_main(tmp_path: Path) -> Path:
    """redis/main.conf with an include of conf.d and a password, mode 0640."""
    (tmp_path / "redis" / "conf.d").mkdir(parents=True)
    main = tmp_path / "redis" / "main.conf"
    main.write_text("requirepass hidden-17\ntimeout 5\ninclude %s/conf.d/*.conf\n" % main.parent)
    main.chmod(0o640)
    return main


def _include(main: Path, name: str, text: str = "timeout 0\n") -> redis_conf_rewrite.Include:
    return redis_conf_rewrite.Include(str(main.parent / name), text)


def test_the_directive_is_changed_in_the_file_where_it_counts(main: Path) -> None:
    included = main.parent / "conf.d" / "limits.conf"
    included.write_text("# ours\nTimeout 1207\n")
    rewrite = redis_conf_rewrite.in_place(str(main), WANTED)
    assert rewrite.texts == {str(included): "# ours\nTimeout 0\n"}
    assert (rewrite.now, rewrite.after) == ({"timeout": "1207"}, {"timeout": "0"})
    assert rewrite.shown == {str(included): ("timeout 1207\n", "timeout 0\n")}


def test_what_is_shown_holds_no_password(main: Path) -> None:
    rewrite = redis_conf_rewrite.in_place(str(main), {"timeout": "0", "tcp-keepalive": "61"})
    assert rewrite.shown == {str(main): ("timeout 5\n", "timeout 0\ntcp-keepalive 61\n")}
    assert "hidden-17" in rewrite.texts[str(main)]


def test_nothing_to_do_is_nothing(main: Path) -> None:
    rewrite = redis_conf_rewrite.in_place(str(main), {"timeout": "5"})
    assert (rewrite.texts, rewrite.shown) == ({}, {})


def test_a_file_of_our_own_is_included_at_the_end(main: Path) -> None:
    include = _include(main, "closewait.conf")
    rewrite = redis_conf_rewrite.by_include(str(main), WANTED, include)
    assert rewrite.texts == {include.path: "timeout 0\n", str(main): main.read_text() + "include %s\n" % include.path}
    assert rewrite.after == {"timeout": "0"}


def test_a_file_of_our_own_under_a_wildcard_needs_no_other_include(main: Path) -> None:
    include = _include(main, "conf.d/closewait.conf")
    assert list(redis_conf_rewrite.by_include(str(main), WANTED, include).texts) == [include.path]


def test_our_own_file_is_only_written_when_it_differs(main: Path) -> None:
    include = _include(main, "conf.d/closewait.conf")
    Path(include.path).write_text(include.text)
    assert redis_conf_rewrite.by_include(str(main), WANTED, include).texts == {}


def test_our_own_file_that_exists_but_is_not_included_gets_its_include(main: Path) -> None:
    include = _include(main, "closewait.conf")
    Path(include.path).write_text(include.text)
    rewrite = redis_conf_rewrite.by_include(str(main), WANTED, include)
    assert list(rewrite.texts) == [str(main)]


def test_our_own_file_that_would_not_count_is_refused_with_the_place(main: Path) -> None:
    main.write_text(main.read_text() + "timeout 9\n")
    with pytest.raises(ConfError, match=r"timeout 0 would not take effect: .*main.conf:4 sets 9"):
        redis_conf_rewrite.by_include(str(main), WANTED, _include(main, "conf.d/closewait.conf"))


def test_our_own_file_that_does_not_set_the_directive_is_refused(main: Path) -> None:
    with pytest.raises(ConfError, match="would not take effect"):
        redis_conf_rewrite.by_include(str(main), WANTED, _include(main, "closewait.conf", "# nothing\n"))


@pytest.mark.parametrize("name", ["a b.conf", "a*.conf", 'a".conf', "missing/a.conf"])
def test_a_path_that_redis_would_read_otherwise_is_refused(main: Path, name: str) -> None:
    with pytest.raises(ConfError):
        redis_conf_rewrite.by_include(str(main), WANTED, _include(main, name))


def test_writing_keeps_the_mode_and_makes_a_copy_with_the_mode(main: Path, tmp_path: Path) -> None:
    before = main.read_text()
    rewrite = redis_conf_rewrite.in_place(str(main), WANTED)
    (written,) = redis_conf_write.write(str(main), rewrite, str(tmp_path / "backup" / "deep"))
    assert main.read_text() == before.replace("timeout 5", "timeout 0")
    assert main.stat().st_mode & 0o7777 == 0o640
    assert written.backup is not None
    backup = Path(written.backup)
    assert backup.read_text() == before
    assert backup.stat().st_mode & 0o7777 == 0o640
    assert backup.parent.stat().st_mode & 0o7777 == 0o700
    assert sorted(path.name for path in main.parent.iterdir()) == ["conf.d", "main.conf"]


def test_a_new_file_gets_the_mode_of_the_main_file_and_no_backup(main: Path, tmp_path: Path) -> None:
    include = _include(main, "closewait.conf")
    rewrite = redis_conf_rewrite.by_include(str(main), WANTED, include)
    written = redis_conf_write.write(str(main), rewrite, str(tmp_path / "backup"))
    assert [item.path for item in written] == [include.path, str(main)]
    assert written[0].backup is None
    assert Path(include.path).stat().st_mode & 0o7777 == 0o640


def test_a_file_that_changed_in_the_meantime_is_left_alone(main: Path, tmp_path: Path) -> None:
    rewrite = redis_conf_rewrite.in_place(str(main), WANTED)
    main.write_text("timeout 77\n")
    with pytest.raises(ConfError, match="changed by someone else"):
        redis_conf_write.write(str(main), rewrite, str(tmp_path / "backup"))
    assert main.read_text() == "timeout 77\n"


def test_when_the_second_file_fails_the_first_is_put_back(main: Path, tmp_path: Path) -> None:
    include = _include(main, "closewait.conf")
    rewrite = redis_conf_rewrite.by_include(str(main), WANTED, include)
    before = main.read_text()
    main.write_text(before + "# somebody was here\n")
    with pytest.raises(ConfError, match="changed by someone else"):
        redis_conf_write.write(str(main), rewrite, str(tmp_path / "backup"))
    assert main.read_text() == before + "# somebody was here\n"
    assert not Path(include.path).exists()


def test_when_putting_back_fails_too_the_file_and_its_copy_are_named(
    main: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    included = main.parent / "conf.d" / "a.conf"
    included.write_text("timeout 6\n")
    main.write_text(main.read_text() + "tcp-keepalive 9\n")
    rewrite = redis_conf_rewrite.in_place(str(main), {"timeout": "0", "tcp-keepalive": "61"})
    really = _safe_file.replace

    def full_after_the_first(path: str, content: bytes, like: str) -> None:
        if b"timeout 0" not in content:
            raise OSError(28, "No space left on device", path)
        really(path, content, like)

    monkeypatch.setattr(_safe_file, "replace", full_after_the_first)
    with pytest.raises(redis_conf_write.HalfWrittenError) as caught:
        redis_conf_write.write(str(main), rewrite, str(tmp_path / "backup"))
    assert str(included) in str(caught.value)
    assert str(tmp_path / "backup") in str(caught.value)


def test_a_symbolic_link_stays_one(main: Path, tmp_path: Path) -> None:
    real = tmp_path / "real.conf"
    real.write_text("timeout 1207\n")
    link = main.parent / "conf.d" / "link.conf"
    link.symlink_to(real)
    rewrite = redis_conf_rewrite.in_place(str(main), WANTED)
    redis_conf_write.write(str(main), rewrite, str(tmp_path / "backup"))
    assert link.is_symlink()
    assert real.read_text() == "timeout 0\n"


def test_backups_that_redis_would_read_are_refused(main: Path) -> None:
    main.write_text("include %s/conf.d/*\n" % main.parent)
    tree = redis_conf_files.read_tree(str(main))
    with pytest.raises(ConfError, match="would be read as configuration"):
        redis_conf_write.check_backup_folder(str(main.parent / "conf.d"), tree)
    with pytest.raises(ConfError, match="would be read as configuration"):
        redis_conf_write.check_backup_folder(os.path.join(str(main.parent), "conf.d", "..", "conf.d"), tree)


def test_backups_beside_are_fine(main: Path, tmp_path: Path) -> None:
    tree = redis_conf_files.read_tree(str(main))
    redis_conf_write.check_backup_folder(str(main.parent / "conf.d"), tree)  # *.conf does not match a backup's name
    redis_conf_write.check_backup_folder(str(tmp_path / "backup"), tree)
