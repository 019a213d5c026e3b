# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a process spins: one thread always runnable, never waiting.

A thread that polls an fd which is always ready never sleeps, so it makes no voluntary context switches and is
runnable in every sample. How much CPU it gets says more about its neighbours than about itself (four spinners on
one CPU have 25 % each), so the CPU floor is low. An honestly busy process looks exactly the same: spinning is the
occasion to look for a reason, never a finding.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import CpuFacts, Process, Thread
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds

Answer = Literal["spinning", "calm", "unknown"]
Polling = Literal["polls", "computes", "unknown"]

#: So many times the share that is asked for needs no long look, but a tenth of the usual one.
OBVIOUS = 6
FEW_SECONDS = 0.2


class Spin(NamedTuple):
    """The answer for one process; ``process`` is None when it was not among those measured."""

    answer: Answer
    process: Process | None
    reason: str


def of_pid(cpu: CpuFacts, pid: int, start_time: int, thresholds: Thresholds) -> Spin:
    """Whether the process of this pid and start time spins. ``cpu.processes`` must not be None."""
    listed = cpu["processes"] or []
    for process in listed:
        if process["pid"] == pid and process["start_time"] == start_time:
            return Spin(judge(process, thresholds), process, why_unknown(process))
    if cpu["omitted"] and all(process["cpu_percent"] >= thresholds.spin_cpu_percent for process in listed):
        return Spin("unknown", None, f"process {pid} is not among the {len(listed)} busiest that were measured")
    return Spin("calm", None, f"process {pid} uses hardly any CPU")


def spinning(cpu: CpuFacts, thresholds: Thresholds) -> list[Process]:
    """Every measured process that spins."""
    return [process for process in cpu["processes"] or [] if judge(process, thresholds) == "spinning"]


def starved(cpu: CpuFacts, thresholds: Thresholds) -> list[Process]:
    """Every measured process that wants a CPU all the time, and for a part of the window hardly got one."""
    return [process for process in cpu["processes"] or [] if _is_starved(process, thresholds)]


def got_enough(process: Process, cpu: CpuFacts) -> bool:
    """Whether it had so much CPU time that what it did with it tells something."""
    return process["cpu_percent"] * cpu["window_s"] / 100 >= FEW_SECONDS


def _is_starved(process: Process, thresholds: Thresholds) -> bool:
    thread = deciding_thread(process)
    windows = process["cpu_percent_windows"] or [process["cpu_percent"]]
    return min(windows) < thresholds.spin_cpu_percent and thread is not None and _never_rests(thread, thresholds)


def judge(process: Process, thresholds: Thresholds) -> Answer:
    """Look at the hottest thread, and at the process's CPU use in every subwindow."""
    windows = process["cpu_percent_windows"] or [process["cpu_percent"]]
    thread = deciding_thread(process)
    if _is_starved(process, thresholds):
        # On a host with too little CPU for all, even one that spins gets hardly any at times.
        return "unknown"
    if min(windows) < thresholds.spin_cpu_percent:
        return "calm"
    if thread is None or not thread["states"]:
        return "unknown"
    busy = thread["cpu_percent"] >= thresholds.spin_cpu_percent and _never_rests(thread, thresholds)
    return "spinning" if busy else "calm"


def _never_rests(thread: Thread, thresholds: Thresholds) -> bool:
    """Whether it wants a CPU all the time, whether or not it gets one."""
    return (
        bool(thread["states"])
        and thread["voluntary_per_s"] <= thresholds.spin_voluntary_per_s
        and runnable_share(thread) >= thresholds.spin_runnable_share
    )


def why_unknown(process: Process) -> str:
    """Why it cannot be told whether a process spins that is not calm."""
    thread = deciding_thread(process)
    if thread is None or not thread["states"]:
        return f"the threads of process {process['pid']} could not be read"
    return (
        f"process {process['pid']} wants a CPU all the time and gets {process['cpu_percent']:.0f} % of one: "
        "this host has too little to tell whether it spins; look again, or with a longer window"
    )


def deciding_thread(process: Process) -> Thread | None:
    """The hottest thread; a process with one thread is that thread."""
    if process["hottest_thread"] is not None or process["threads"] != 1:
        return process["hottest_thread"]
    return {
        "tid": process["pid"],
        "cpu_percent": process["cpu_percent"],
        "state": process["state"],
        "states": process["states"],
        "voluntary_per_s": process["voluntary_per_s"],
        "involuntary_per_s": process["involuntary_per_s"],
    }


def runnable_share(thread: Thread) -> float:
    """Share of the samples in which the thread was on a CPU or waiting for one."""
    return thread["states"].count("R") / len(thread["states"])


def polling(process: Process, cpu: CpuFacts, thresholds: Thresholds) -> Polling:
    """Whether a busy process goes round a polling loop: then a part of its CPU time is spent in the kernel.

    A program that computes while its event loop waits for it spends nearly all of its time in its own code. In too
    little CPU time the few ticks of the kernel come by chance; only a large share tells something then.
    """
    seconds = process["cpu_percent"] * cpu["window_s"] / 100
    share = process["system_percent"] / process["cpu_percent"] if process["cpu_percent"] else 0.0
    if seconds >= thresholds.spin_cpu_seconds:
        return "polls" if share >= thresholds.spin_system_share else "computes"
    obvious = seconds >= FEW_SECONDS and share >= OBVIOUS * thresholds.spin_system_share
    return "polls" if obvious else "unknown"


def evidence(process: Process, cpu: CpuFacts) -> dict[str, Any]:
    """The numbers behind the answer; percent of one CPU, switches per second."""
    thread = deciding_thread(process)
    return {
        "window_s": cpu["window_s"],
        "cpu_percent": process["cpu_percent"],
        "user_percent": process["user_percent"],
        "system_percent": process["system_percent"],
        "cpu_percent_windows": process["cpu_percent_windows"],
        "tid": thread["tid"] if thread else None,
        "runnable_share": round(runnable_share(thread), 3) if thread and thread["states"] else None,
        "voluntary_per_s": thread["voluntary_per_s"] if thread else None,
        "involuntary_per_s": thread["involuntary_per_s"] if thread else None,
    }
