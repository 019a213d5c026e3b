# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attempts per server, and quantiles from classes."""

from __future__ import annotations

import math
import random
from typing import Any, List, Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.histogram import RELATIVE_ERROR, Histogram
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.log import Attempt, Request
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tally import UpstreamTally, by_address


def _exact(times: List[float], share: float) -> float:
    return sorted(times)[max(1, math.ceil(share * len(times))) - 1]


@pytest.mark.parametrize("shape", ["even", "long tail", "two humps", "one value"])
def test_quantiles_are_as_near_as_promised(shape: str) -> None:
    generator = random.Random(7214)  # noqa: S311 - no secret
    times = {
        "even": [generator.uniform(0.001, 3.0) for _number in range(5000)],
        "long tail": [generator.lognormvariate(-3, 2) + 0.001 for _number in range(5000)],
        "two humps": [generator.choice((0.012, 2.001)) for _number in range(5000)],
        "one value": [0.25] * 7,
    }[shape]
    histogram = Histogram()
    for seconds in times:
        histogram.add(seconds)
    assert histogram.count == len(times)
    for share in (0.5, 0.95, 0.99):
        found, exact = histogram.quantile(share), _exact(times, share)
        assert found is not None
        assert abs(found - exact) <= RELATIVE_ERROR * exact + 1e-9


def test_a_histogram_stays_small() -> None:
    histogram = Histogram()
    assert histogram.quantile(0.5) is None
    for exponent in range(-90, 90):
        histogram.add(10.0 ** (exponent / 10))
    histogram.add(0.0)
    assert len(histogram._classes) <= 215
    assert (histogram.quantile(0.0) or 1) < 0.001


def _request(*attempts: Attempt, status: Optional[str] = "200") -> Request:
    return Request(100.0, attempts, status)


def _tally(*requests: Request) -> UpstreamTally:
    tally = UpstreamTally("app", ["a:1", "b:1"])
    for request in requests:
        tally.add(request)
    return tally


def _row(tally: UpstreamTally, address: str, *names: str) -> List[Any]:
    shown = tally.servers[address].shown()
    return [shown[name] for name in names]


def test_each_attempt_counts_for_its_server_and_each_request_once() -> None:
    tally = _tally(
        _request(Attempt("a:1", 2.0, "504", connected=True), Attempt("b:1", 0.01, "200", connected=True)),
        _request(Attempt("a:1", 2.0, "504", connected=False), Attempt("b:1", 0.01, "200", connected=True)),
        _request(Attempt("b:1", 0.02, "404", connected=True)),
        _request(Attempt("elsewhere:1", 9.0, "200")),
        _request(Attempt("app", 0.0, "502"), status="502"),
        _request(Attempt("a:1", 1.5, None), status="499"),
    )
    shown = tally.shown()
    assert (shown["requests"], shown["attempts"], shown["retried"]) == (5, 6, 2)
    assert shown["attempts_per_request"] == 1.2
    assert (shown["client_gone"], shown["no_live_servers"]) == (1, 1)
    assert _row(tally, "a:1", "attempts", "failed", "timed_out", "never_connected") == [3, 2, 2, 1]
    assert _row(tally, "b:1", "attempts", "failed", "timed_out", "never_connected") == [3, 0, 0, 0]
    assert tally.servers["a:1"].shown()["slow"] == {
        "0.5": 3, "1": 3, "2": 2, "4": 0, "8": 0, "16": 0, "32": 0, "64": 0
    }  # fmt: skip


def test_an_attempt_without_a_time_is_counted_and_not_timed() -> None:
    tally = _tally(_request(Attempt("a:1", None, "502", connected=False)))
    assert _row(tally, "a:1", "attempts", "timed", "failed", "p95_s") == [1, 0, 1, None]


def test_well_since() -> None:
    good, slow, failed = Attempt("a:1", 0.1, "200"), Attempt("a:1", 1.0, "200"), Attempt("a:1", 0.1, "500")
    assert _row(_tally(*map(_request, [good, good])), "a:1", "well_since") == [2]
    assert _row(_tally(*map(_request, [good, slow, good])), "a:1", "well_since") == [1]
    assert _row(_tally(*map(_request, [good, good, failed])), "a:1", "well_since") == [0]


def test_a_server_of_two_upstreams_counts_for_both() -> None:
    one, two = UpstreamTally("one", ["a:1"]), UpstreamTally("two", ["a:1", "c:1"])
    assert by_address([one, two]) == {"one": [one], "two": [two], "a:1": [one, two], "c:1": [two]}
