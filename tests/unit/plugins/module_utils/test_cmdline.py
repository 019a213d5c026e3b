# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines that may be shown: no secret in them, bounded, and the rest unharmed."""

from __future__ import annotations

import time
from typing import List

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _cmdline
from ansible_collections.closewait.remediation.plugins.module_utils._cmdline import HIDDEN, shown

SECRET = "hunter2xyz"  # noqa: S105 - of nobody

LEAKS = [
    ["redis-cli", "-a", SECRET],
    ["/usr/bin/redis-cli", "-h", "h", "-a", SECRET, "ping"],
    ["redis-cli", "--pass", SECRET],
    ["redis-cli", "-u", "redis://u:" + SECRET + "@h/1"],
    ["redis-server", "--requirepass", SECRET],
    ["redis-server", "--masterauth", SECRET],
    ["redis-server", "--requirepass=" + SECRET],
    ["celery", "-b", "redis://:" + SECRET + "@broker:6390/3"],
    ["celery", "--broker=amqp://guest:" + SECRET + "@mq//"],
    ["x", "redis://u:p@" + SECRET + "@host/0"],
    ["x", "redis://:a/" + SECRET + "@host/0"],
    ["x", "https://h/?a=1&token=" + SECRET + "&b=2"],
    ["x", "--auth", SECRET],
    ["x", "--api-key", SECRET],
    ["x", "--apikey=" + SECRET],
    ["x", "--api_key", SECRET],
    ["x", "--passphrase", SECRET],
    ["x", "--broker-pwd", SECRET],
    ["x", "--db.password=" + SECRET],
    ["x", "-e", "MYSQL_ROOT_PASSWORD=" + SECRET],
    ["env", "AWS_SECRET_ACCESS_KEY=" + SECRET, "prog"],
    ["x", '{"user": "u", "password": "' + SECRET + '"}'],
    ["x", "{'auth_token': '" + SECRET + "'}"],
    ["mysql", "-uroot", "-p" + SECRET],
    ["/usr/bin/mariadb-dump", "-p" + SECRET],
    ["curl", "-u", "user:" + SECRET],
    ["curl", "-H", "Authorization: Bearer " + SECRET],
    ["x", "--PASSWORD", SECRET],
    ["[celeryd: c@h:MainProcess] -active- (worker -A p --password " + SECRET + " -c 2)"],
    ["[celeryd: c@h:MainProcess] -active- (worker -b redis://:" + SECRET + "@h/0 -A p)"],
    ["psql", "postgresql://u:" + SECRET + "@h/db?sslmode=require"],
    ["psql", "host=h user=u password=" + SECRET],
]


@pytest.mark.parametrize("arguments", LEAKS, ids=["%d-%s" % item for item in enumerate(map("_".join, LEAKS))])
def test_no_secret_is_shown(arguments: List[str]) -> None:
    text = " ".join(shown(arguments))
    assert SECRET not in text
    assert HIDDEN in text


def test_a_long_secret_is_hidden_before_the_cut() -> None:
    long = "s" * 500
    assert "sss" not in " ".join(shown(["x", "--token=" + long, "redis://:" + long + "@h/0", "--password", long]))


@pytest.mark.parametrize(
    "arguments",
    [
        ["/opt/app/bin/python3.11", "-m", "celery", "-A", "shop.tasks", "worker", "-P", "prefork", "-c", "4"],
        ["nginx: worker process"],
        ["gunicorn: master [shop.wsgi]"],
        ["redis-server", "127.0.0.1:6391", "--timeout", "30"],
        ["sleep", "60"],
        ["prog", "-p", "8080", "-a", "x", "-u", "y"],
        ["mysqld", "--port=3307"],
        ["prog", "a=b", "c:d", "https://h/path"],
        [],
    ],
)
def test_what_holds_no_secret_is_left_alone(arguments: List[str]) -> None:
    assert shown(arguments) == arguments


def test_what_stands_around_a_secret_stays() -> None:
    assert shown(["celery", "-b", "redis://:" + SECRET + "@broker:6390/3", "-c", "2"]) == [
        "celery",
        "-b",
        "redis://" + HIDDEN + "@broker:6390/3",
        "-c",
        "2",
    ]
    assert shown(["x", "--password", SECRET, "--verbose"]) == ["x", "--password", HIDDEN, "--verbose"]


def test_cuts_are_stated() -> None:
    many = ["prog", *("w%d" % number for number in range(70))]
    result = shown(many)
    assert len(result) == _cmdline.ARGUMENTS + 1
    assert result[: _cmdline.ARGUMENTS] == many[: _cmdline.ARGUMENTS]
    assert "%d more" % (71 - _cmdline.ARGUMENTS) in result[-1]
    long = shown(["x", "y" * 5000])[1]
    assert len(long) == _cmdline.ARGUMENT_CHARS
    assert long.endswith("…")
    assert shown(["x", "y" * _cmdline.ARGUMENT_CHARS])[1] == "y" * _cmdline.ARGUMENT_CHARS
    exactly = ["w"] * _cmdline.ARGUMENTS
    assert shown(exactly) == exactly


@pytest.mark.parametrize(
    "text", ["y" * 100_000, "pass" * 25_000, "--" + "a.b-" * 25_000, "x=" * 50_000, "://" + "a@" * 50_000]
)
def test_long_words_cost_no_time(text: str) -> None:
    # CPU time: on a busy machine the wall clock says nothing of the work.
    start = time.process_time()
    shown(["x", text])
    assert time.process_time() - start < 1.0


def test_the_value_of_an_option_at_the_cut_is_not_shown() -> None:
    arguments = ["w"] * (_cmdline.ARGUMENTS - 1) + ["--password", SECRET, "z"]
    assert SECRET not in " ".join(shown(arguments))
