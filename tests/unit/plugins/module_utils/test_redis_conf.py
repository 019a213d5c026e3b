# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a redis.conf. What a real server makes of such texts: integration target redis_conf."""

from __future__ import annotations

import random
from typing import Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._redis import conf as redis_conf
from ansible_collections.closewait.remediation.plugins.module_utils._redis.conf import Change, ConfError, Line

MAIN = "/etc/redis/main.conf"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("   \t ", []),
        ("timeout 0", ["timeout", "0"]),
        ("  timeout\t 0\r", ["timeout", "0"]),
        ('"timeout" "12"', ["timeout", "12"]),
        ("'timeout' '1\\'2'", ["timeout", "1'2"]),
        (r'user "a\x41\n\"b"', ["user", 'aA\n"b']),
        (r"user 'a\n'", ["user", r"a\n"]),
        ('save ""', ["save", ""]),
        ('ab"cd"', ["abcd"]),
        (r'x "\q\\"', ["x", "q\\"]),
        ("timeout 0 # no comment here", ["timeout", "0", "#", "no", "comment", "here"]),
        ('timeout "0', None),
        ("timeout '0", None),
        ("timeout '0\\'", None),
        ('timeout "0"1', None),
        ('timeout "0\\"', None),
    ],
)
def test_words(text: str, words: Optional[list[str]]) -> None:
    found = redis_conf.split_words(text)
    assert (found if found is None else [word.value for word in found]) == words


def test_a_word_knows_its_place_with_quotes() -> None:
    text = '  timeout  "12" '
    found = redis_conf.split_words(text)
    assert found is not None
    assert text[found[1].start : found[1].end] == '"12"'


def test_comments_and_blank_lines_are_no_directives() -> None:
    lines = redis_conf.parse(MAIN, "# timeout 9\n\n   # x\n\t\r\nTimeOut 3\n")
    assert [(line.name, line.words, line.number, line.place) for line in lines] == [
        ("timeout", ("TimeOut", "3"), 4, MAIN + ":5")
    ]


def test_unbalanced_quotes_are_an_error_with_a_place() -> None:
    with pytest.raises(ConfError, match=r"/etc/redis/main\.conf:2: unbalanced quotes"):
        redis_conf.parse(MAIN, 'port 1\nrequirepass "x\n')


def test_the_last_directive_counts() -> None:
    lines = redis_conf.parse(MAIN, "timeout 1\nTIMEOUT 2\nport 3\n")
    counting = redis_conf.effective(lines, "timeout")
    assert counting is not None
    assert counting.words[1] == "2"


@pytest.mark.parametrize("text", ["timeout\n", "timeout 1 2\n"])
def test_a_directive_without_exactly_one_value_is_an_error(text: str) -> None:
    with pytest.raises(ConfError, match=r"main\.conf:1: 'timeout' needs exactly one value"):
        redis_conf.effective(redis_conf.parse(MAIN, text), "timeout")


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("timeout 1207\n", {"timeout": "0"}, [Change(MAIN, 0, "timeout", "1207", "0")]),
        ("timeout 0\n", {"timeout": "0"}, []),
        ("timeout 00\n", {"timeout": "0"}, []),
        ("timeout 5\ntimeout 0\n", {"timeout": "0"}, []),
        ("timeout 0\ntimeout 5\n", {"timeout": "0"}, [Change(MAIN, 1, "timeout", "5", "0")]),
        ("port 1\n", {"timeout": "0"}, []),
        ("port 1\n", {"timeout": "3"}, [Change(MAIN, None, "timeout", None, "3")]),
        ("port 1\n", {"tcp-keepalive": "300"}, [Change(MAIN, None, "tcp-keepalive", None, "300")]),
        (
            "tcp-keepalive 60\ntimeout 1\n",
            {"timeout": "0", "tcp-keepalive": "61"},
            [Change(MAIN, 1, "timeout", "1", "0"), Change(MAIN, 0, "tcp-keepalive", "60", "61")],
        ),
    ],
)
def test_what_is_changed(text: str, wanted: dict[str, str], expected: list[Change]) -> None:
    assert redis_conf.changes(MAIN, redis_conf.parse(MAIN, text), wanted) == expected


def test_files_of_one_wildcard_are_all_changed_since_their_order_is_the_servers_locale() -> None:
    globs = ("/etc/redis/conf.d/*.conf",)
    lines = [
        Line("/etc/redis/conf.d/B.conf", 0, "timeout 8", ("timeout", "8"), globs),
        Line("/etc/redis/conf.d/B.conf", 1, "timeout 9", ("timeout", "9"), globs),
        Line("/etc/redis/conf.d/a.conf", 4, "timeout 7", ("timeout", "7"), globs),
    ]
    assert redis_conf.changes(MAIN, lines, {"timeout": "0"}) == [
        Change("/etc/redis/conf.d/B.conf", 1, "timeout", "9", "0"),
        Change("/etc/redis/conf.d/a.conf", 4, "timeout", "7", "0"),
    ]


def test_a_directive_after_the_wildcard_is_the_only_one_changed() -> None:
    included = Line("/etc/redis/conf.d/a.conf", 0, "timeout 7", ("timeout", "7"), ("/etc/redis/conf.d/*.conf",))
    own = Line(MAIN, 9, "timeout 8", ("timeout", "8"))
    assert redis_conf.changes(MAIN, [included, own], {"timeout": "0"}) == [Change(MAIN, 9, "timeout", "8", "0")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("timeout 12\n", "timeout 0\n"),
        ("\t TimeOut   12  \r\nport 1\r\n", "\t TimeOut   0  \r\nport 1\r\n"),
        ('"timeout" "12"', '"timeout" 0'),
        ("timeout '12' ", "timeout 0 "),
    ],
)
def test_only_the_value_is_replaced(text: str, expected: str) -> None:
    assert redis_conf.edited(text, [Change(MAIN, 0, "timeout", "12", "0")]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "timeout 3\n"),
        ("port 1\n", "port 1\ntimeout 3\n"),
        ("port 1", "port 1\ntimeout 3\n"),
        ("port 1\r\n", "port 1\r\ntimeout 3\r\n"),
    ],
)
def test_a_new_directive_is_a_line_of_its_own_at_the_end(text: str, expected: str) -> None:
    assert redis_conf.edited(text, [Change(MAIN, None, "timeout", None, "3")]) == expected


def test_nothing_appended_leaves_the_text_alone() -> None:
    assert redis_conf.appended("port 1", []) == "port 1"


def test_a_line_that_is_not_as_expected_is_not_edited() -> None:
    with pytest.raises(ConfError):
        redis_conf.edited("timeout\n", [Change(MAIN, 0, "timeout", "1", "0")])


@pytest.mark.parametrize(
    ("one", "other", "same"), [("0", "0", True), ("010", "10", True), (None, "0", False), ("1k", "1000", False)]
)
def test_the_same_number(one: Optional[str], other: str, *, same: bool) -> None:
    assert redis_conf.same_value(one, other) is same


def test_values_of_the_files() -> None:
    lines = redis_conf.parse(MAIN, "timeout 4\n")
    assert redis_conf.values(lines, ["timeout", "tcp-keepalive"]) == {"timeout": "4", "tcp-keepalive": None}


def test_random_files_change_in_their_own_directives_only() -> None:
    """Over 500 files: after the change the wanted values count, a second change is empty, other lines are the same."""
    dice = random.Random(20260314)  # noqa: S311
    pieces = [
        "port 6380",
        "# timeout 4",
        "",
        "save ''",
        "  dir /x\ty ",
        'user "a b" on',
        "maxmemory 1gb\r",
        "\udcff \udcfe 1",
    ]
    own = ["timeout %d", "TIMEOUT '%d'", " tcp-keepalive %d\r", '"tcp-keepalive"   "%d" ']
    for _file in range(500):
        rows = [dice.choice([*pieces, *own]) for _row in range(dice.randrange(9))]
        rows = [row % dice.randrange(3) if "%d" in row else row for row in rows]
        text = "\n".join(rows) + dice.choice(["", "\n"])
        wanted = {"timeout": str(dice.randrange(3)), "tcp-keepalive": str(dice.randrange(3))}
        after = redis_conf.edited(text, redis_conf.changes(MAIN, redis_conf.parse(MAIN, text), wanted))
        assert redis_conf.changes(MAIN, redis_conf.parse(MAIN, after), wanted) == []
        assert _others(after) == _others(text)


def _others(text: str) -> list[str]:
    lines = text.split("\n")
    lines = lines[:-1] if lines[-1] == "" else lines
    return [line for line in lines if not line.strip(" \t\r\"'").lower().startswith(("timeout", "tcp-keepalive"))]
