# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two readers have to agree on a file, and on what changed in it."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.time import milliseconds
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Tree, matches
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import crossplane as nginx_crossplane
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import proof as nginx_proof
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan_error import PlanError
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.nginx_configurations import (
    MAIN,
    UPSTREAM,
    given,
    wanted,
)

HTTP = f"http {{ {UPSTREAM} proxy_read_timeout 1; server {{ root /a; location / {{ proxy_pass http://app; }} }} }}"


def _check(old: str, new: str) -> None:
    documents = given(old).documents
    changed = replace(documents, texts={MAIN: new})
    nginx_proof.check(Tree(documents), Tree(changed), wanted(proxy_read_timeout="9s"))


def test_what_is_wanted_may_differ() -> None:
    _check(HTTP, HTTP.replace("timeout 1", "timeout 9s"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("root /a;", "root /b;"),
        ("root /a;", ""),
        ("root /a;", "root /a; proxy_send_timeout 1;"),
        ("10.1.0.2:81", "10.1.0.3:81"),
        ("10.1.0.2:81;", "10.1.0.2:81 weight=2;"),
        ("location /", "location /x"),
        ("proxy_pass http://app;", "proxy_pass http://app; } location /new {"),
    ],
)
def test_anything_else_may_not(old: str, new: str) -> None:
    with pytest.raises(PlanError, match="should not"):
        _check(HTTP, HTTP.replace("timeout 1", "timeout 9s").replace(old, new))


def test_what_is_not_meant_keeps_its_values() -> None:
    main = f"http {{ {UPSTREAM} proxy_read_timeout 1; server {{ location / {{ proxy_pass http://b; }} }} }}"
    documents = given(main).documents
    changed = Tree(replace(documents, texts={MAIN: main.replace("timeout 1", "timeout 9")}))
    with pytest.raises(PlanError, match="is not meant"):
        nginx_proof.check(Tree(documents), changed, wanted(proxy_read_timeout="9", only=["app"]))


@pytest.mark.parametrize(
    "text",
    [
        "if ($a = b) { return 1; }",
        "if ( -f $x ) { return 1; }",
        "a 'b\r\nc' d;\r\n",
        "content_by_lua_block {\n -- it's { \n x = '}' \n} b;",
        "set_by_lua_block $x { return [[ } ]] }",
        "a \"\\\"\" '\\'' \\; ${b};",
        "a # ; }\n b;",
        "a caf\u00c3\u00a9\u00c2\u00a0;",
        "map $a $b { default 0; '~^x{2}' 1; }",
    ],
)
def test_both_read_the_same(text: str) -> None:
    assert nginx_crossplane.trees({"x": text})["x"]


def test_where_they_differ_nothing_is_done() -> None:
    with pytest.raises(PlanError, match="in another way"):
        nginx_crossplane.trees({"x": "a b\x0bc;"})


def test_without_crossplane_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "crossplane", None)
    with pytest.raises(PlanError, match="pip install crossplane"):
        nginx_crossplane.trees({"x": "a;"})


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("/e/*.conf", "/e/a.conf", True),
        ("/e/*.conf", "/e/d/a.conf", False),
        ("/e/*.conf", "/e/.a.conf", False),
        ("/e/*/a", "/e/b/a", True),
        ("/e/a.conf", "/e/a.conf", True),
        ("/e/[ab].conf", "/e/c.conf", False),
    ],
)
def test_what_a_pattern_finds(pattern: str, path: str, found: bool) -> None:  # noqa: FBT001 - a table
    assert matches(pattern, path) is found


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5000), ("5s", 5000), ("1m30s", 90000), ("500ms", 500), ("1h 5m", 3900000), ("1d", 86400000)],
)
def test_times(text: str, value: int) -> None:
    assert milliseconds(text) == value


@pytest.mark.parametrize("text", ["", "s", "5 parsecs", "-1", "1.5s", "5s;", "$x"])
def test_no_times(text: str) -> None:
    with pytest.raises(ValueError, match="is no time of nginx"):
        milliseconds(text)
