# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's syntax, with the place of every word."""

from __future__ import annotations

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import syntax as nginx_syntax
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.syntax import SyntaxFaultError, parse


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("listen 80;", [("listen", "80")]),
        ("a 'x;{}#' b;", [("a", "x;{}#", "b")]),
        ('a "it\'s" \'say "x"\';', [("a", "it's", 'say "x"')]),
        ('a "say \\"x\\"";', [("a", 'say "x"')]),
        ("a b\\;c;", [("a", "b\\;c")]),
        ("a ${b}c{$d;", None),
        ("a ${b}c;", [("a", "${b}c")]),
        ("a b#c; # d;\n", [("a", "b#c")]),
        ("a# b;\nc;", [("a#", "b"), ("c",)]),
        ("# a;\r\nb\r\n\tc;\r\n", [("b", "c")]),
        ("a\n  # in between; {\n  b;", [("a", "b")]),
        ('a "";', [("a", "")]),
        ("\ta\t\t b\t;", [("a", "b")]),
    ],
)
def test_words(text: str, words: list[tuple[str, ...]] | None) -> None:
    if words is None:
        with pytest.raises(SyntaxFaultError):
            parse(text)
    else:
        assert [(found.name, *found.values) for found in parse(text)] == words


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http {", "line 1: the block is not closed"),
        ("a;\n}", 'line 2: unexpected "}"'),
        ("a ", "not ended"),
        ("a", "unexpected end of the file"),
        ("a 'b", "the quote is not closed"),
        ("a 'b'c;", 'unexpected "c" after a quote'),
        (";", 'unexpected ";"'),
        ("a { b }", 'unexpected "}"'),
        ("content_by_lua_block { x = {", "the Lua block is not closed"),
    ],
)
def test_what_nginx_would_not_take(text: str, reason: str) -> None:
    with pytest.raises(SyntaxFaultError, match=reason):
        parse(text)


def test_places_are_those_of_the_text() -> None:
    text = "http {\r\n  server { listen 'a b' ;} # x\r\n}\r\n"
    http = parse(text)[0]
    assert http.block is not None
    server = http.block[0]
    assert server.block is not None
    listen = server.block[0]
    assert text[server.start : server.end] == "server { listen 'a b' ;}"
    assert text[listen.start : listen.end] == "listen 'a b' ;"
    assert [text[word.start : word.end] for word in listen.words] == ["listen", "'a b'"]
    assert (http.line, server.line, text[http.body :][:4]) == (1, 2, "\r\n  ")


@pytest.mark.parametrize(
    "lua",
    [
        'x = "}"',
        "-- it's }\n",
        "--[[ } ' \n ]] ",
        "--[==[ ]] } ]==] ",
        "x = [[ } ]] ",
        "x = {1, {2}} ",
        "x = t[1] ",
        "x = '\\'}'",
        "x = a--b\n",
    ],
)
def test_a_lua_block_ends_at_its_brace(lua: str) -> None:
    text = "content_by_lua_block {%s} next;" % lua
    found = parse(text)
    assert [statement.name for statement in found] == ["content_by_lua_block", "next"]
    assert text[found[0].start : found[0].end] == "content_by_lua_block {%s}" % lua
    assert found[0].is_lua


def test_a_lua_block_with_an_argument() -> None:
    found = parse("set_by_lua_block $x { return '}' } a;")
    assert [(statement.name, statement.values) for statement in found] == [("set_by_lua_block", ("$x",)), ("a", ())]


def test_escapes() -> None:
    assert nginx_syntax.unescaped('a\\"b\\\\c\\td\\.e\\') == 'a"b\\c\td\\.e\\'
