# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m chaos``: the test of the test, then the campaign. ``run`` starts it in namespaces of its own."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from . import aims, cast, judge
from .campaign import Campaign, Plan
from .tally import Tally

HERE = Path(__file__).resolve().parent
#: Share of the fresh targets in calm victims, and of all, that must be closed: a test of refusals shows nothing.
LEAST_CALM, LEAST = 0.2, 0.08
#: Made even when the seconds are over: a slow machine makes fewer in them.
LEAST_ATTEMPTS = 60
SHOWN = 20


def main() -> int:
    """Exit status 0 when nothing was hurt, enough was done, and the broken product was caught."""
    given = _arguments()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        folder = Path(name)
        native = folder / "unshielded"
        subprocess.run(["gcc", "-O1", "-Wall", "-o", native, HERE / "victim" / "unshielded.c"], check=True)
        _many_ports()
        begin = time.monotonic()

        def campaign(plan: Plan) -> Tally:
            return Campaign(plan, folder, native).run()

        complaints = [] if given.no_self_test else list(_self_test(given.seed, campaign))
        tally = campaign(_plan(given))
        complaints += _complaints(tally, given.attempts, time.monotonic() - begin)
    print("\n".join(complaints) or "nothing was hurt")
    return 1 if complaints else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/chaos/run.py", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(31))
    parser.add_argument("--attempts", type=int, default=600, help="stop after so many targets (default %(default)s)")
    seconds = f"stop after so long, if {LEAST_ATTEMPTS} targets were tried (default %(default)s)"
    parser.add_argument("--seconds", type=float, default=55, help=seconds)
    parser.add_argument("--batch", type=int, default=12, help="most targets of one call (default %(default)s)")
    parser.add_argument("--kinds", nargs="+", choices=cast.KINDS, default=cast.KINDS, help="kinds of victims")
    parser.add_argument("--no-self-test", action="store_true", help="leave out the run with the broken product")
    return parser.parse_args()


def _plan(given: argparse.Namespace) -> Plan:
    kinds = tuple(given.kinds)
    return Plan(given.seed, given.attempts, given.seconds, given.batch, kinds, SHOWN, blind=False, least=LEAST_ATTEMPTS)


def _self_test(seed: int, campaign: Callable[[Plan], Tally]) -> list[str]:
    """A product that does not look again during the stop must be caught closing what it should not."""
    plan = Plan(seed, 400, 40, 12, ("loop", "timers"), most_faults=1, blind=True)
    tally = campaign(plan)
    print(f"self-test: {tally.count(judge.WRONG_CLOSE)} wrong closes found in {tally.attempts} attempts", flush=True)
    if tally.count(judge.WRONG_CLOSE):
        return []
    return ["the self-test found no wrong close although the product had been blindfolded", *tally.lines()]


def _complaints(tally: Tally, wanted: int, seconds: float) -> list[str]:
    print("\n".join(tally.lines()))
    print(f"{seconds:.0f} s", flush=True)
    found = [f"{fault.kind}: {fault.what}" for fault in tally.faults[:SHOWN]]
    if tally.attempts < min(wanted, LEAST_ATTEMPTS):
        found.append(f"only {tally.attempts} attempts in the time given")
    if tally.calm and tally.share_calm() < LEAST_CALM:
        found.append(f"only {tally.share_calm():.0%} of the fresh targets in calm victims were closed")
    if tally.share_done(*aims.WAYS) < LEAST:
        found.append("too few targets were closed for this to show anything")
    return found


def _many_ports() -> None:
    """Connections by the thousand: this is a network namespace of our own."""
    settings = {"ip_local_port_range": "10000 65000", "tcp_max_tw_buckets": "5000"}
    for name, value in settings.items():
        Path("/proc/sys/net/ipv4", name).write_text(value)


if __name__ == "__main__":
    sys.exit(main())
