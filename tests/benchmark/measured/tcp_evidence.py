# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP evidence on a host with very many sockets: time, size, and how both grow."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from .. import load, process_cost, transferred_module
from ..figures import Row, Samples, Section

FEW, MANY = 20_000, 50_000
COLLECTOR = [sys.executable, str(Path(__file__).parents[1] / "programs" / "collect_tcp.py")]
RIVALS = {
    "ss": ["ss", "-tanp", "state", "close-wait"],
    "psutil": [sys.executable, "-c", "import psutil; psutil.net_connections('tcp')"],
    "lsof": ["lsof", "-nP", "-iTCP"],
}
#: Bytes of facts of one host.
MOST_BYTES = 64 * 1024

TEXT = f"""\
A network namespace with {FEW:,} and with {MANY:,} TCP sockets, both ends counted, in {load.PROCESSES}
processes; {load.HALF_CLOSED:.0%} are in CLOSE_WAIT, and all others are watched by the epoll instance of their process.
Each figure is a whole process from start to end. The collector runs in a bare Python; `tcp_facts` is the program that
Ansible transfers, started on the host. Ours also finds the ages, every holder, who has how many connections to which
remote and how idle they are, dead connections whose fd is open, and, of processes that do not sleep meanwhile, what
their epoll sets watch. On several CPUs it shares the walk over the fds among them: CPU time is that of all together."""

Costs = dict[str, list[process_cost.Cost]]


def measure() -> Section:
    """Both sizes one after the other, everything in turns at each."""
    with tempfile.TemporaryDirectory() as folder:
        module = [sys.executable, str(transferred_module.transferred("closewait.remediation.tcp_facts", Path(folder)))]
        commands = {"collector": COLLECTOR, "module": module, **RIVALS}
        sizes, costs = {}, {}
        for sockets in (FEW, MANY):
            with load.of(sockets):
                sizes[sockets] = Samples("bytes", (_facts_size(sockets),))
                costs[sockets] = process_cost.in_turns(commands)
    rows = [row for sockets in (FEW, MANY) for row in _rows(sockets, costs[sockets], sizes[sockets])]
    return Section("TCP evidence", TEXT, (*rows, *_growth(costs)))


def _facts_size(sockets: int) -> int:
    """Length of the facts as JSON. Raises RuntimeError unless they are complete."""
    text = subprocess.run(COLLECTOR, capture_output=True, text=True, check=True, timeout=60).stdout
    facts = json.loads(text)
    seen = (
        sum(facts["states"].values()),
        facts["close_wait"]["total"],
        facts["close_wait"]["unowned"],
        facts["errors"],
    )
    if seen != (sockets, int(sockets * load.HALF_CLOSED), 0, []):
        raise RuntimeError(f"the facts of {sockets} sockets are not right: {seen}")
    return len(text)


def _rows(sockets: int, costs: Costs, size: Samples) -> list[Row]:
    # The reaches hold for the larger number.
    ss, psutil, lsof = (0.8, 0.8, 0.6) if sockets == MANY else (None, None, None)
    at = f"{sockets:,} sockets"
    collector, module = costs["collector"], costs["module"]
    return [
        Row(f"collector, {at}", _wall(collector), "ss -tanp state close-wait", _wall(costs["ss"]), ss),
        Row(f"collector, {at}, CPU", _cpu(collector), "ss -tanp state close-wait", _cpu(costs["ss"])),
        Row(f"tcp_facts, {at}", _wall(module), "psutil.net_connections", _wall(costs["psutil"]), psutil),
        Row(f"tcp_facts, {at}, CPU", _cpu(module), "psutil.net_connections", _cpu(costs["psutil"])),
        Row(f"tcp_facts, {at}", _wall(module), "lsof -nP -iTCP", _wall(costs["lsof"]), lsof),
        Row(f"facts, {at}", size, "64 KiB", Samples("bytes", (MOST_BYTES,)), 1.0),
    ]


def _growth(costs: dict[int, Costs]) -> tuple[Row, ...]:
    """CPU time, because the two sizes are not measured in turns."""
    few, many = costs[FEW], costs[MANY]
    return tuple(
        Row(f"{name}, {MANY:,} sockets, CPU", _cpu(many[key]), f"the same, {FEW:,}", _cpu(few[key]), MANY / FEW)
        for name, key in (("collector", "collector"), ("tcp_facts", "module"))
    )


_wall, _cpu = process_cost.wall, process_cost.cpu
