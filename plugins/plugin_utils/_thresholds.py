# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From which numbers on a rule speaks up. All can be set by the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Thresholds:
    """Shares are 0 to 1, percentages of one CPU, times in seconds."""

    #: share of the samples in which a spinning thread was runnable
    spin_runnable_share: float = 0.8
    #: voluntary context switches a second that a spinning thread may still make
    spin_voluntary_per_s: float = 10.0
    #: CPU use in every subwindow; low, because many spinners share few CPUs
    spin_cpu_percent: float = 10.0
    #: kernel share of the CPU time from which a loop is taken to poll: 4 to 8 % seen, honest computing up to 1 %
    spin_system_share: float = 0.025
    #: CPU time that has to be seen for that share to mean anything: it is counted in ticks of 10 ms
    spin_cpu_seconds: float = 2.0
    #: parts of the window in which a failing loop has to be seen without progress
    failing_loop_windows: float = 3.0
    #: calls that fail in the same way, per second of CPU, from which they are no looking around: 50 to 1,400 seen
    failing_loop_calls_per_cpu_s: float = 20.0
    #: half-closed connections to a port of which nobody took notice in the whole window
    accept_given_up: int = 5
    #: share of the room in an accept queue that is taken at both looks
    accept_queue_share: float = 0.5
    #: share of the samples in which a process that should accept waits for something else
    blocked_share: float = 0.5
    #: attempts per request from which on nginx floods its servers with what they could not answer in time
    flood_attempts: float = 1.5
    #: how far clocks and timers may be off when an idle time is compared with a timeout
    timeout_slack_s: float = 1.0
    #: how late Redis notices that a client is idle for too long
    redis_close_lag_s: float = 2.0
    #: half-closed sockets in one process
    leak_total: int = 20
    #: age of the oldest of them
    leak_oldest_s: float = 600.0
    #: age classes they must be spread over: a pool that idled out once fills one or two
    leak_age_classes: int = 3
    #: shares of the fd limit from which a leak is medium, high, critical
    leak_medium_share: float = 0.2
    leak_high_share: float = 0.5
    leak_critical_share: float = 0.8
    #: connections of a process to a remote, over half of its remotes at least
    explosion_per_remote: int = 20
    #: remotes of such a process
    explosion_remotes: int = 3
    #: processes alike
    explosion_processes: int = 3
    #: half of the connections to the busiest remote were used within this time, else all has gone quiet
    explosion_hot_s: float = 10.0
    #: half of the connections to a cold remote were not used for this time, and this many times that of the busiest
    explosion_cold_s: float = 1.0
    explosion_cold_ratio: float = 3.0
    #: what a process has to cold remotes, as a share of what it has to hot ones
    explosion_even_share: float = 0.8
    #: shares of the ports towards one remote, or of the fd limit, from which it is high, critical
    explosion_high_share: float = 0.5
    explosion_critical_share: float = 0.8
    #: hosts that there have to be for one to stand out, and the share of them that may
    fleet_hosts: int = 5
    fleet_share: float = 0.2
    #: how many times the median it has to be
    fleet_factor: float = 5.0
    #: and at least this many connections opened, connections in CLOSE_WAIT, percent of one CPU
    fleet_connections: int = 1000
    fleet_close_wait: int = 50
    fleet_cpu_percent: float = 80.0
    #: hosts with the same finding for the same reason that are named together
    fleet_common_hosts: int = 2
    #: attempts at a server, and at its siblings together, from which on they are compared: max_fails leaves few
    upstream_attempts: int = 10
    #: an attempt is slow from here on, or from so many times the median of the siblings, whichever is more
    upstream_slow_s: float = 1.0
    upstream_slow_factor: float = 5.0
    #: share of failed attempts that a server has to have more than its siblings
    upstream_error_lead: float = 0.2
    #: slow or failed attempts at the sick server: one slow request is not a sick server
    upstream_bad_attempts: int = 3
    #: its share of all of them in the upstream
    upstream_bad_share: float = 0.8
    #: share of wait_timeout from which a session idle in a transaction is a finding
    database_idle_share: float = 0.5
    #: share of max_connections up to which a longer wait_timeout may fill the server
    database_room_share: float = 0.8
    #: the longest wait_timeout that is proposed: a week, which no night and no weekend is longer than
    database_longest_timeout_s: float = 604800.0


def from_mapping(values: Mapping[str, object]) -> Thresholds:
    """The defaults with these values put in. Raises ValueError for an unknown name or a value that is no number."""
    defaults = asdict(Thresholds())
    unknown = sorted(set(values) - set(defaults))
    if unknown:
        raise ValueError(f"unknown thresholds: {', '.join(unknown)}; known are {', '.join(sorted(defaults))}")
    return Thresholds(**{name: type(defaults[name])(_number(name, value)) for name, value in values.items()})


def _number(name: str, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        raise ValueError(f"threshold {name} is not a number: {value!r}") from None
    if not 0 <= number < float("inf"):
        raise ValueError(f"threshold {name} must be zero or more: {value!r}")
    return number
