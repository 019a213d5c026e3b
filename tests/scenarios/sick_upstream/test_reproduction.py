# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incident happens here as it does in production, without any part of the collection."""

from __future__ import annotations

from scenario_kit.http_load import http_load
from scenario_kit.twisted_upstream import PORT, READ_TIMEOUT_S, TwistedUpstream
from scenario_kit.waiting import wait_for


def test_a_third_of_the_requests_is_slow(site: TwistedUpstream) -> None:
    site.fall_sick()
    began = len(site.requests())
    with http_load(PORT, 6) as load:
        wait_for(lambda: load.sent() > 60, 60, "requests")
    seen = site.requests()[began:]
    slow = [request for request in seen if float(request["took"]) >= READ_TIMEOUT_S]
    assert set(load.end()) == {"200"}, "nginx tries the next one, so nothing fails"
    assert 0.15 < len(slow) / len(seen) < 0.5
    assert {request["to"].split(",")[0] for request in slow} == {f"127.0.0.1:{site.sick_port}"}
