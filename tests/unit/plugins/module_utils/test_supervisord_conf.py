# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files of supervisord: read as Supervisor reads them, changed to the byte."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import (
    programs,
    supervisord_conf,
    supervisord_conf_files,
    supervisord_conf_rewrite,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf import ConfError
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf_files import Tree

NASTY = (
    "; [program:not]\n"
    "[supervisord] ; comment behind a header\n"
    "environment = A=\"x;y\",B='1' ;c\n"
    "\n"
    "[program:a]\n"
    "command = run -a;b -c ; the command\n"
    "  --more ; of it\n"
    "\n"
    "  --and more\n"
    "# stopwaitsecs = 1\n"
    "StopWaitSecs:  7\t;seven\n"
    "environment=\n"
    '    KEY="va=lue",\n'
    '    [program:inside]="x"\n'
    "stopsignal = SIGINT\n"
    "[program:b]\r\n"
    "  command=run\r\n"
    "  killasgroup=ON # hash\r\n"
    "[eventlistener:a]\n"
    "command=listen\n"
    "stopwaitsecs=%(ENV_WAIT)s\n"
    "[group:g]\n"
    "programs = a , b,\n"
    "[program:a]\n"
    "stopasgroup = no"
)


def tree_of(*texts: str, **environ: str) -> Tree:
    expansions = {"ENV_" + name: value for name, value in environ.items()}
    files = [
        supervisord_conf_files.File("/etc/%d.conf" % number, text, supervisord_conf.sections(text))
        for number, text in enumerate(texts)
    ]
    return Tree(files, [], expansions)


def changed(tree: Tree, part: str, **wanted: programs.Value) -> list[str]:
    new = supervisord_conf_rewrite.rewrite(tree, {part: wanted})
    return [file.text for file in new.tree.files]


def _as_supervisor(text: str) -> dict[str, dict[str, str]]:
    # supervisor/options.py, UnhosedConfigParser on Python 3.
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    parser.read_string(text)
    return {name: dict(parser.items(name)) for name in parser.sections()}


def test_it_is_read_as_by_the_parser_that_supervisor_uses() -> None:
    tree = tree_of(NASTY)
    expected = _as_supervisor(NASTY)
    assert set(supervisord_conf_files.names(tree)) == set(expected)
    for part, options in expected.items():
        for name, value in options.items():
            found = supervisord_conf_files.value(tree, part, name)
            assert found is not None
            assert [line for line in found.split("\n") if line] == [line for line in value.split("\n") if line], (
                part,
                name,
            )


def test_spans_are_where_the_values_stand() -> None:
    lines = supervisord_conf.lines(NASTY)
    assert "".join(lines) == NASTY
    for section in supervisord_conf.sections(NASTY):
        for option in section.options:
            first = option.value.split("\n", maxsplit=1)[0]
            assert lines[option.span.line][option.span.start : option.span.end] == first


@pytest.mark.parametrize(
    ("text", "says"), [("x=1\n[a]\n", "line 1"), ("[a]\n\nword\n", "line 3"), ("[a]\n=x\n", "line 2")]
)
def test_what_supervisord_cannot_read_is_an_error(text: str, says: str) -> None:
    with pytest.raises(configparser.Error):
        _as_supervisor(text + "[b]\n")
    with pytest.raises(ConfError, match=says):
        supervisord_conf.sections(text)


def test_a_value_is_replaced_where_it_stands_and_comments_stay() -> None:
    assert changed(tree_of(NASTY), "program:a", stopwaitsecs=600) == [
        NASTY.replace("StopWaitSecs:  7\t;seven", "StopWaitSecs:  600\t;seven")
    ]


def test_the_occurrence_that_counts_is_changed() -> None:
    first, last = (
        "[program:a]\ncommand=x\nstopwaitsecs=1\n",
        "[program:a]\nstopwaitsecs=2 ; last wins\nstopwaitsecs=3\n",
    )
    assert changed(tree_of(first, last), "program:a", stopwaitsecs=9) == [
        first,
        "[program:a]\nstopwaitsecs=2 ; last wins\nstopwaitsecs=9\n",
    ]


def test_a_new_option_goes_to_the_command_with_its_indent_and_line_ends() -> None:
    assert changed(tree_of(NASTY), "program:b", stopwaitsecs=5) == [
        NASTY.replace("killasgroup=ON # hash\r\n", "killasgroup=ON # hash\r\n  stopwaitsecs=5\r\n")
    ]


def test_a_new_option_behind_a_value_of_several_lines_and_at_the_end_without_newline() -> None:
    text = "[program:a]\ncommand=x\nenvironment=\n  A=1,\n  B=2"
    assert changed(tree_of(text), "program:a", stopwaitsecs=5) == [text + "\nstopwaitsecs=5\n"]


def test_a_value_of_several_lines_is_replaced_whole() -> None:
    text = "[program:a]\ncommand=x\nstopwaitsecs=\n   12\n[program:b]\n"
    assert changed(tree_of(text), "program:a", stopwaitsecs=5) == [
        "[program:a]\ncommand=x\nstopwaitsecs=5\n[program:b]\n"
    ]


def test_a_default_section_is_left_alone() -> None:
    text = "[DEFAULT]\nstopwaitsecs=3\n[program:a]\ncommand=x\n"
    assert programs.settings(tree_of(text), "program:a").stopwaitsecs == 3
    assert changed(tree_of(text), "program:a", stopwaitsecs=5) == [text + "stopwaitsecs=5\n"]


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("stopsignal=SIGTERM", {"stopsignal": "TERM"}),
        ("stopsignal=2", {"stopsignal": "INT"}),
        ("killasgroup=Yes", {"killasgroup": True}),
        ("stopasgroup=1", {"killasgroup": True}),
        ("autostart=no", {"stopwaitsecs": 10, "killasgroup": False, "stopasgroup": False, "stopsignal": "TERM"}),
        ("stopwaitsecs=%(ENV_WAIT)s", {"stopwaitsecs": 44}),
        ("stopwaitsecs=0044", {"stopwaitsecs": 44}),
    ],
)
def test_what_means_the_same_is_left_as_it_is_written(written: str, wanted: Any) -> None:
    text = "[program:a]\ncommand=x\n%s\n" % written
    assert changed(tree_of(text, WAIT="44"), "program:a", **wanted) == [text]


def test_an_expression_that_cannot_be_expanded_is_no_value_and_is_replaced() -> None:
    tree = tree_of(NASTY)
    assert programs.settings(tree, "eventlistener:a").stopwaitsecs is None
    assert changed(tree, "eventlistener:a", stopwaitsecs=3) == [NASTY.replace("%(ENV_WAIT)s", "3")]


def test_killasgroup_that_followed_stopasgroup_is_set_when_that_goes() -> None:
    text = "[program:a]\ncommand=x\nstopasgroup=true\n"
    assert changed(tree_of(text), "program:a", killasgroup=True, stopasgroup=False) == [
        "[program:a]\ncommand=x\nstopasgroup=false\nkillasgroup=true\n"
    ]


def test_groups_and_processes() -> None:
    text = (
        "[program:a]\ncommand=x\nnumprocs=%(ENV_N)s\nnumprocs_start=3\nprocess_name=%(program_name)s-%(process_num)02d\n"
        "[program:b]\ncommand=x\nprocess_name=%(group_name)s_b\n[fcgi-program:f]\ncommand=x\n[program:lone]\ncommand=x\n"
        "[group:g]\nprograms=a,b,f\n[group:h]\nprograms = b\n[eventlistener:a]\ncommand=x\n"
    )
    tree = tree_of(text, N="2")
    assert programs.groups(tree, "program:a") == ["g"]
    assert programs.groups(tree, "program:b") == ["g", "h"]
    assert programs.groups(tree, "eventlistener:a") == ["a"]
    assert programs.groups(tree, "program:lone") == ["lone"]
    assert programs.members(tree, "g") == ["program:a", "program:b", "fcgi-program:f"]
    assert programs.processes(tree, "g") == {
        "g:a-03": "program:a",
        "g:a-04": "program:a",
        "g:g_b": "program:b",
        "g:f": "fcgi-program:f",
    }
    with pytest.raises(ConfError, match=r"no \[program:c\] .*program:lone"):
        programs.check_defined(tree, "program:c")


def test_includes_are_found_in_order_and_bytes_survive(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    main = tmp_path / "supervisord.conf"
    main.write_text("[include]\nfiles = conf.d/*.conf %(here)s/%(ENV_KIND)s.ini missing/*.conf\n")
    (tmp_path / "conf.d/b.conf").write_bytes(b"; \xff\xe9\r\n[program:a]\r\ncommand=b\r\n")
    (tmp_path / "conf.d/a.conf").write_text("[program:a]\ncommand=a\nstopwaitsecs=1\n")
    (tmp_path / "conf.d/.hidden.conf").write_text("[program:h]\ncommand=h\n")
    (tmp_path / "web.ini").write_text("[program:w]\ncommand=w\n")
    tree = supervisord_conf_files.read(str(main), {"KIND": "web"})
    assert [os.path.basename(file.path) for file in tree.files] == ["supervisord.conf", "a.conf", "b.conf", "web.ini"]
    assert supervisord_conf_files.value(tree, "program:a", "command") == "b"
    new = supervisord_conf_rewrite.rewrite(tree, {"program:a": {"stopsignal": "INT"}})
    assert new.changed == [str(tmp_path / "conf.d/b.conf")]
    assert supervisord_conf_files.encoded(new.tree.files[2].text) == (
        b"; \xff\xe9\r\n[program:a]\r\ncommand=b\r\nstopsignal=INT\r\n"
    )
    with pytest.raises(ConfError, match="cannot be expanded"):
        supervisord_conf_files.read(str(main), {})


def test_backups_must_not_be_read_as_configuration(tmp_path: Path) -> None:
    tree = tree_of("[program:a]\ncommand=x\n")._replace(patterns=[str(tmp_path / "*")])
    with pytest.raises(ConfError, match="would be read"):
        supervisord_conf_files.check_backup_folder(str(tmp_path), tree)
    supervisord_conf_files.check_backup_folder(str(tmp_path / "else"), tree)


# Supervisor 3.x runs on Python 2 and up to 3.4.0 on nothing else; its parser is RawConfigParser as it was there.
_PYTHON_2 = """
import ConfigParser, json, sys
parser = ConfigParser.RawConfigParser()
parser.read(sys.argv[1])
print(json.dumps(dict((name, dict(parser.items(name))) for name in parser.sections())))
"""
OF_3_X = (
    "; supervisor 3.x\n[supervisord]\nlogfile=/var/log/supervisord.log ; (main log file)\n\n"
    "[program:celeryd]\ncommand=celery worker -A shop ; the worker\n\t--concurrency=4\n"
    'stopwaitsecs = 600\t; long\n;stopwaitsecs=1\nstopsignal:INT\nenvironment=A="1",\n B="a;b"\nkillasgroup=true\n'
    "[include]\nfiles = /etc/supervisor/conf.d/*.conf\n[group:shop]\nprograms=celeryd\npriority=9\n"
)


def _python_2() -> str | None:
    roots = [Path(root) for root in (os.environ.get("PYENV_ROOT"), os.path.expanduser("~/.pyenv")) if root]
    found = [str(path) for root in roots for path in root.glob("versions/2.7*/bin/python2.7")]
    # One on PATH may be a shim of pyenv that only says that it is none.
    return next((path for path in [*found, shutil.which("python2.7")] if path and _runs(path)), None)


def _runs(program: str) -> bool:
    return subprocess.run([program, "-c", "import ConfigParser"], capture_output=True, check=False).returncode == 0


def test_it_is_read_as_by_supervisor_3(tmp_path: Path) -> None:
    python = _python_2()
    if python is None:
        pytest.skip("NO PYTHON 2.7 HERE: that files of Supervisor 3.x are read as 3.x reads them was NOT tested")
    path = tmp_path / "supervisord.conf"
    path.write_text(OF_3_X)
    answer = subprocess.run([python, "-c", _PYTHON_2, str(path)], stdout=subprocess.PIPE, check=True)
    expected = json.loads(answer.stdout)
    tree = tree_of(OF_3_X)
    assert supervisord_conf_files.names(tree) == sorted(expected, key=supervisord_conf_files.names(tree).index)
    for part, options in expected.items():
        for name, value in options.items():
            assert supervisord_conf_files.value(tree, part, name) == value, (part, name)
    assert changed(tree, "program:celeryd", stopwaitsecs=900, stopasgroup=False) == [
        OF_3_X.replace("stopwaitsecs = 600", "stopwaitsecs = 900")
    ]
