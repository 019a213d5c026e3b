# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What access logs say of attempts."""

from __future__ import annotations

import time

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import log as nginx_log
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import log_format as nginx_log_format
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import program as nginx_program

FORMAT = '$remote_addr [$time_local] "$request" $status "$upstream_addr" $upstream_response_time $upstream_status'


def _requests(lines: list[str], log_format: str = FORMAT) -> list[nginx_log.Request]:
    return list(nginx_log.requests(lines, nginx_log_format.compiled(log_format)))


@pytest.mark.parametrize(
    ("addresses", "times", "statuses", "seen"),
    [
        ("-", "-", "-", []),
        ("10.0.0.1:80", "0.250", "200", [("10.0.0.1:80", 0.25, "200")]),
        ("a:1, b:2", "2.000, 0.004", "504, 200", [("a:1", 2.0, "504"), ("b:2", 0.004, "200")]),
        ("a:1 : unix:/tmp/s", "0.1 : 0.2", "302 : 200", [("a:1", 0.1, "302"), ("unix:/tmp/s", 0.2, "200")]),
        ("[::1]:80, app", "-, -", "502, 502", [("[::1]:80", None, "502"), ("app", None, "502")]),
        ("a:1, b:2", "0.1", None, [("a:1", 0.1, None), ("b:2", None, None)]),
    ],
)
def test_attempts(addresses: str, times: str, statuses: str | None, seen: list[tuple[str, float, str]]) -> None:
    assert [tuple(attempt)[:3] for attempt in nginx_log.attempts(addresses, times, statuses)] == seen


@pytest.mark.parametrize(
    ("log_format", "line", "time"),
    [
        ("$msec $upstream_addr $upstream_response_time", "1767225600.250 a:1 0.1", 1767225600.25),
        (
            "[$time_local] ${upstream_addr} $upstream_response_time",
            "[01/Jan/2026:01:00:00 +0100] a:1 0.1",
            1767225600.0,
        ),
        ("$time_iso8601|$upstream_addr|$upstream_response_time", "2026-01-01T00:00:00+00:00|a:1|0.1", 1767225600.0),
        (
            '{"t":"$time_iso8601","a":"$upstream_addr","r":"$upstream_response_time"}',
            '{"t":"2026-01-01T01:00:00+01:00","a":"a:1","r":"0.1"}',
            1767225600.0,
        ),
    ],
)
def test_times_and_formats(log_format: str, line: str, time: float) -> None:
    assert nginx_log_format.is_sufficient(log_format)
    found = _requests([line], log_format)
    assert [(request.time, request.attempts[0].address) for request in found] == [(time, "a:1")]


FULL = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_user_agent" rt=$request_time '
    'ua="$upstream_addr" us="$upstream_status" urt="$upstream_response_time" uct="$upstream_connect_time"'
)
JSON = (
    '{"at":"$msec","request":"$request","status":$status,"agent":"$http_user_agent","to":"$upstream_addr",'
    '"time":"$upstream_response_time","connect":"$upstream_connect_time","upstream_status":"$upstream_status"}'
)


FULL_LINE = (
    '10.3.0.9 - - [01/Jan/2026:00:00:02 +0000] "GET /a \\x22, \\x22 HTTP/1.1" 200 12 "a [b] us=\\x22" rt=2.004 '
    'ua="a:1, b:2" us="504, 200" urt="2.000, 0.004" uct="-, 0.001"'
)
JSON_LINE = (
    '{"at":"1767225602.000","request":"GET /a \\" , HTTP/1.1","status":200,"agent":"\\\\","to":"a:1, b:2",'
    '"time":"2.000, 0.004","connect":"-, 0.001","upstream_status":"504, 200"}'
)


@pytest.mark.parametrize(("log_format", "line"), [(FULL, FULL_LINE), (JSON, JSON_LINE)])
def test_all_that_a_format_can_say(log_format: str, line: str) -> None:
    [request] = _requests([line], log_format)
    assert (request.time, request.status) == (1767225602.0, "200")
    assert request.attempts == [
        nginx_log.Attempt("a:1", 2.0, "504", connected=False),
        nginx_log.Attempt("b:2", 0.004, "200", connected=True),
    ]
    assert request.began == pytest.approx(1767225599.996)


def test_json_without_an_upstream() -> None:
    line = (
        '{"at":"1767225602.000","request":"GET / HTTP/1.1","status":200,"agent":"","to":"","time":"","connect":"",'
        '"upstream_status":""}'
    )
    assert _requests([line], JSON) == []
    found = nginx_log.request(line, nginx_log_format.compiled(JSON))
    assert found is not None
    assert found.attempts == []


@pytest.mark.parametrize(
    "hostile", ["\\x22 " * 2000, "a" * 30000, '", "' * 3000, "[" * 9000, "\\" * 9001, ", : " * 5000]
)
@pytest.mark.parametrize("log_format", [FULL, JSON, FORMAT])
def test_a_line_made_to_keep_the_matching_busy_does_not(log_format: str, hostile: str) -> None:
    start = log_format[: log_format.index("$request")]
    start = start.replace("$msec", "1.0").replace("$remote_addr", "h").replace("$remote_user", "-")
    line = start.replace("$time_local", "01/Jan/2026:00:00:00 +0000") + hostile
    began = time.process_time()
    assert _requests([line, line + '"' + hostile], log_format) == []
    # Milliseconds, where a pattern that can match in several ways needs ages.
    assert time.process_time() - began < 5


def test_lines_of_another_format_are_passed_over() -> None:
    good = '1.2.3.4 [01/Jan/2026:00:00:00 +0000] "GET /a?b=\\x22c" 200 "a:1, b:2" 0.1, 0.2 504, 200'
    assert len(_requests(["", "rubbish", good.replace("Jan", "Xyz"), good])) == 1


@pytest.mark.parametrize("log_format", ["$msec $upstream_addr", "$upstream_addr $upstream_response_time", "$status"])
def test_a_format_that_does_not_say_enough(log_format: str) -> None:
    assert not nginx_log_format.is_sufficient(log_format)


def _request(time: float, *attempts: tuple[str, float, str]) -> nginx_log.Request:
    return nginx_log.Request(time, [nginx_log.Attempt(*attempt) for attempt in attempts])


def test_figures_count_requests_once_and_attempts_each() -> None:
    seen = [
        _request(100.0, ("a:1", 2.0, "504"), ("b:1", 1.0, "200")),
        _request(101.0, ("b:1", 3.0, "200")),
        _request(110.0, ("c:1", 9.0, "200")),
    ]
    found = nginx_log.figures(seen, {"ab": ["a:1", "b:1"], "c": ["c:1"], "d": []}, 60)
    assert found["ab"] == (2, 10.0, 3, 2.0, 1)
    assert found["c"] == (1, 10.0, 1, 9.0, 0)
    assert found["d"].requests == 0


def test_figures_are_of_the_last_seconds() -> None:
    seen = [_request(float(second), ("a:1", 1.0, "200")) for second in range(100)]
    assert nginx_log.figures(seen, {"a": ["a:1"]}, 10)["a"][:2] == (10, 10)
    assert nginx_log.figures([], {"a": ["a:1"]}, 10)["a"].requests == 0


DEBIAN = """nginx version: nginx/1.22.1
TLS SNI support enabled
configure arguments: --with-cc-opt='-g -O2 -Wformat' --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf \
--http-log-path=/var/log/nginx/access.log --error-log-path=stderr --pid-path=/run/nginx.pid --with-debug
"""
OPENRESTY = """nginx version: openresty/1.25.3.1
configure arguments: --prefix=/usr/local/openresty/nginx --with-cc-opt=-O2 --add-module=../echo-nginx-module-0.63
"""


def test_builds() -> None:
    assert nginx_program.parse_build(DEBIAN) == (
        "nginx/1.22.1",
        "/usr/share/nginx",
        "/etc/nginx/nginx.conf",
        "/run/nginx.pid",
        "stderr",
        "/var/log/nginx/access.log",
    )
    assert nginx_program.parse_build(OPENRESTY) == (
        "openresty/1.25.3.1",
        "/usr/local/openresty/nginx",
        "/usr/local/openresty/nginx/conf/nginx.conf",
        "/usr/local/openresty/nginx/logs/nginx.pid",
        "/usr/local/openresty/nginx/logs/error.log",
        "/usr/local/openresty/nginx/logs/access.log",
    )
    with pytest.raises(nginx_program.NginxError):
        nginx_program.parse_build("usage: something else")
