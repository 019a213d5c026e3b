# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is there room for a longer read timeout, or for a server fewer."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import access_logs as nginx_access_logs
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import questions as nginx_questions
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.capacity import Load, advice, judge
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.nginx_configurations import (
    planned,
    wanted,
)

HTTP = """http {
    log_format full escape=json '$msec $upstream_addr '
        '$upstream_response_time';
    log_format lean '$status';
    access_log /var/log/lean lean;
    access_log /var/log/full full buffer=4k;
    access_log syslog:server=10.0.0.1 full;
    upstream app { server 10.1.0.1:81; server 10.1.0.2; server unix:/run/app; }
    upstream other { server 10.2.0.1:81; }
    proxy_read_timeout 10s;
    server { location / { proxy_pass http://app; } location /o { proxy_read_timeout 20s; proxy_pass http://other; } }
}
"""


@pytest.mark.parametrize(
    ("load", "processes", "verdict", "utilisation"),
    [
        (Load(48, 28.2, 48, 1.0, 0), 3, "below", 0.567),  # I1: 1.7 requests/s helped by a longer timeout
        (Load(1200, 30.0, 1200, 1.0, 0), 3, "above", 13.333),  # I1: 40 requests/s made worse by it
        (Load(300, 100.0, 300, 1.0, 0), 3, "above", 1.0),
        (Load(299, 100.0, 299, 1.0, 0), 3, "below", 0.997),
        (Load(299, 100.0, 299, 1.0, 7), 3, "unknown", 0.997),
        (Load(9, 1.0, 9, 9.0, 0), 1, "unknown", None),
        (Load(20, 1.0, 0, 0.0, 0), 1, "unknown", None),
        (Load(20, 0.0, 20, 1.0, 0), 1, "unknown", None),
        (None, 1, "unknown", None),
    ],
)
def test_capacity(load: Load | None, processes: int, verdict: str, utilisation: float | None) -> None:
    judged = judge(load, processes)
    assert judged.verdict == verdict
    assert judged.utilisation == (None if utilisation is None else pytest.approx(utilisation, abs=0.001))


def test_advice() -> None:
    assert advice("app", judge(Load(100, 100.0, 100, 1.0, 0), 3), raised=True) is None
    above = judge(Load(400, 100.0, 400, 1.0, 0), 3)
    longer = advice("app", above, raised=True)
    fewer = advice("app", above, raised=False)
    assert longer is not None
    assert "proxy_next_upstream" in longer
    assert "4.00 requests/s x 1.000 s / 3 processes = 1.33" in longer
    assert fewer is not None
    assert "a server fewer" in fewer
    assert "could not be told" in (advice("app", judge(None, 1), raised=True) or "")


def _questions(**options: Any) -> list[tuple[str, int, bool]]:
    found = nginx_questions.questions(planned(HTTP, **options), wanted(**options))
    return [(question.upstream, question.servers, question.raised) for question in found]


def test_only_a_longer_timeout_or_a_server_fewer_asks() -> None:
    assert _questions(proxy_read_timeout="5s") == []
    assert _questions(proxy_read_timeout="15s") == [("app", 3, True)]
    assert _questions(proxy_read_timeout="25s") == [("app", 3, True), ("other", 1, True)]
    drain = [{"name": "app", "servers": [{"address": "10.1.0.2:80", "state": "down"}]}]
    assert _questions(upstreams=drain) == [("app", 2, False)]
    assert _questions(proxy_send_timeout="50s", upstreams=[{"name": "app", "max_fails": 2}]) == []


def test_servers_are_asked_for_as_they_are_logged() -> None:
    found = nginx_questions.questions(planned(HTTP, proxy_read_timeout="15s"), wanted(proxy_read_timeout="15s"))
    assert found[0].addresses == ("app", "10.1.0.1:81", "10.1.0.2:80", "unix:/run/app")


def test_the_logs_that_say_enough() -> None:
    found = nginx_access_logs.logs(planned(HTTP).before)
    assert found == [("/var/log/full", "$msec $upstream_addr $upstream_response_time")]
