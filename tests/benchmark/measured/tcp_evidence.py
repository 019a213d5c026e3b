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

from toolchain import ansible_package

from .. import load, process_cost, transferred_module
from ..figures import Row, Samples, Section

FEW, MANY = 20_000, 50_000
PROGRAMS = Path(__file__).parents[1] / "programs"
COLLECTOR = [sys.executable, str(PROGRAMS / "collect_tcp.py")]
HALF_CLOSED = [sys.executable, str(PROGRAMS / "collect_close_wait.py")]
SS, PSUTIL, LSOF = "ss -tanp state close-wait", "psutil.net_connections", "lsof -nP -iTCP"
RIVALS = {
    "ss": SS.split(),
    "psutil": [sys.executable, "-c", "import psutil; psutil.net_connections('tcp')"],
    "lsof": LSOF.split(),
}
#: Asks ps about the process of every socket, one after the other: not waited for to its end.
SLOW_RIVAL, SLOW_RIVAL_S = "community.general.listen_ports_facts", 180
#: Bytes of facts of one host.
MOST_BYTES = 64 * 1024

TEXT = f"""\
A network namespace with {FEW:,} and with {MANY:,} TCP sockets, both ends counted, in {load.PROCESSES}
processes; {load.HALF_CLOSED:.0%} are in CLOSE_WAIT, and all others are watched by the epoll instance of their process.
Each figure is a whole process from start to end. A collector runs in a bare Python; `tcp_facts` and `close_wait_facts`
are the programs that Ansible transfers, started on the host. `close_wait_facts` and its collector answer what `ss` is
asked here: which connections are half-closed, and who holds them; they also find the ages and every holder. `tcp_facts`
and its collector find as well who has how many connections to which remote and how idle they are, dead connections
whose fd is open, what waits to be accepted, and, of processes that do not sleep meanwhile, what their epoll sets watch.
On several CPUs the walk over the fds is shared among them: CPU time is that of all together. {SLOW_RIVAL} is asked for
all sockets (`include_non_listening`), once; where it took {SLOW_RIVAL_S:,} s it was ended then, and takes more."""

Costs = dict[str, list[process_cost.Cost]]


def prepare() -> None:
    """Get the module that ours is compared with while there is a network."""
    ansible_package.ensure(Path(sys.executable))


def measure() -> Section:
    """Both sizes one after the other, everything in turns at each."""
    with tempfile.TemporaryDirectory() as folder:
        commands = {"collector": COLLECTOR, "half_closed": HALF_CLOSED, **_modules(Path(folder)), **RIVALS}
        slow = commands.pop("slow")
        sizes, costs = {}, {}
        for sockets in (FEW, MANY):
            with load.of(sockets):
                sizes[sockets] = Samples("bytes", (_facts_size(sockets),))
                costs[sockets] = process_cost.in_turns(commands)
                if sockets == MANY:
                    costs[sockets]["slow"] = [process_cost.bounded(slow, SLOW_RIVAL_S)]
    rows = [row for sockets in (FEW, MANY) for row in _rows(sockets, costs[sockets], sizes[sockets])]
    return Section("TCP evidence", TEXT, (*rows, *_slow_rival(costs[MANY]), *_growth(costs)))


def _modules(folder: Path) -> dict[str, list[str]]:
    theirs = ansible_package.ensure(Path(sys.executable))
    programs = {
        "module": transferred_module.transferred("closewait.remediation.tcp_facts", folder),
        "half_closed_module": transferred_module.transferred("closewait.remediation.close_wait_facts", folder),
        "slow": transferred_module.transferred(SLOW_RIVAL, folder, "include_non_listening=true", theirs),
    }
    return {name: [sys.executable, str(program)] for name, program in programs.items()}


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
    half_closed, module = costs["half_closed"], costs["half_closed_module"]
    return [
        Row(f"close_wait collector, {at}", _wall(half_closed), SS, _wall(costs["ss"]), ss),
        Row(f"close_wait collector, {at}, CPU", _cpu(half_closed), SS, _cpu(costs["ss"])),
        Row(f"close_wait_facts, {at}", _wall(module), PSUTIL, _wall(costs["psutil"]), psutil),
        Row(f"close_wait_facts, {at}", _wall(module), LSOF, _wall(costs["lsof"]), lsof),
        Row(f"tcp collector, {at}", _wall(costs["collector"]), SS, _wall(costs["ss"]), ss),
        Row(f"tcp collector, {at}, CPU", _cpu(costs["collector"]), SS, _cpu(costs["ss"])),
        Row(f"tcp_facts, {at}", _wall(costs["module"]), PSUTIL, _wall(costs["psutil"]), psutil),
        Row(f"tcp_facts, {at}, CPU", _cpu(costs["module"]), PSUTIL, _cpu(costs["psutil"])),
        Row(f"tcp_facts, {at}", _wall(costs["module"]), LSOF, _wall(costs["lsof"]), lsof),
        Row(f"facts of tcp_facts, {at}", size, "64 KiB", Samples("bytes", (MOST_BYTES,)), 1.0),
    ]


def _slow_rival(costs: Costs) -> tuple[Row, ...]:
    at, theirs = f"{MANY:,} sockets", _wall(costs["slow"])
    return (
        Row(f"close_wait_facts, {at}", _wall(costs["half_closed_module"]), SLOW_RIVAL, theirs, 0.01),
        Row(f"tcp_facts, {at}", _wall(costs["module"]), SLOW_RIVAL, theirs, 0.01),
    )


def _growth(costs: dict[int, Costs]) -> tuple[Row, ...]:
    """CPU time, because the two sizes are not measured in turns."""
    few, many = costs[FEW], costs[MANY]
    measured = {
        "close_wait collector": "half_closed",
        "close_wait_facts": "half_closed_module",
        "tcp collector": "collector",
        "tcp_facts": "module",
    }
    return tuple(
        Row(f"{name}, {MANY:,} sockets, CPU", _cpu(many[key]), f"the same, {FEW:,}", _cpu(few[key]), MANY / FEW)
        for name, key in measured.items()
    )


_wall, _cpu = process_cost.wall, process_cost.cpu
