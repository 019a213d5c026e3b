# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of made-up hosts, as documented. Every builder takes what a test cares about and fills in the rest."""

from __future__ import annotations

from typing import Any

Fact = dict[str, Any]
Address = tuple[str, int]

HOST = "kiln-2"
REDIS_HOST = "larder"
PID = 20417
BORN = 883113
CHILD = 20655
CHILD_BORN = 889002
NETNS = 4026533017
HERE = "198.51.100.40"
THERE = "198.51.100.77"
REDIS_PORT = 6491
TIMEOUT = 417
EPOLL_FD = 9
FD = 61
INODE = 7733412

IN = 0x001
OUT = 0x004
ALWAYS = 0x018
EDGE = 1 << 31
ONESHOT = 1 << 30


def runtime(name: str = "cpython", loops: tuple[str, ...] = (), role: str | None = "celery-prefork") -> Fact:
    """What a process runs on."""
    return {"name": name, "version": "3.12.3", "loops": list(loops), "role": role}


def thread(states: str = "RRRRRR", **changed: Any) -> Fact:
    """The hottest thread; ``states`` is one letter per sample."""
    usual = {
        "tid": PID,
        "cpu_percent": 88.0,
        "state": states[-1:],
        "states": list(states),
        "voluntary_per_s": 0.0,
        "involuntary_per_s": 61.5,
    }
    return {**usual, **changed}


def process(pid: int = PID, start_time: int = BORN, **changed: Any) -> Fact:
    """A process that spins; change it to make it do something else."""
    usual = {
        "pid": pid,
        "start_time": start_time,
        "ppid": 1,
        "name": "celery",
        "uid": 1207,
        "cmdline": ["/srv/kiln/bin/python", "-m", "celery", "-A", "kiln", "worker"],
        "state": "R",
        "states": list("RRRRRR"),
        "threads": 1,
        "cpu_percent": 88.0,
        "user_percent": 81.0,
        "system_percent": 7.0,
        "cpu_percent_windows": [90.0, 85.0, 88.0, 84.0, 93.0],
        "voluntary_per_s": 0.0,
        "involuntary_per_s": 61.5,
        "hottest_thread": thread(),
        "runtime": runtime(),
        "supervisor": {"kind": "supervisord", "name": "kiln:worker-b"},
    }
    return {**usual, **changed}


def sleeping(pid: int = PID, start_time: int = BORN, **changed: Any) -> Fact:
    """A process that waits nearly all the time."""
    asleep = thread("SSSSSS", cpu_percent=0.4, voluntary_per_s=38.0, involuntary_per_s=0.2)
    quiet = {"cpu_percent": 0.4, "user_percent": 0.3, "system_percent": 0.1, "cpu_percent_windows": [0.5, 0.0, 1.0]}
    return process(
        pid, start_time, **{**quiet, "state": "S", "states": list("SSSSSS"), "hottest_thread": asleep, **changed}
    )


def honest(pid: int = PID, start_time: int = BORN, **changed: Any) -> Fact:
    """A process that computes: it looks like a spinning one, but makes no system calls."""
    return process(pid, start_time, **{"user_percent": 88.0, "system_percent": 0.0, **changed})


def endpoint(address: Address) -> Fact:
    """An end of a connection."""
    return {"address": address[0], "port": address[1]}


def holder(pid: int = PID, start_time: int = BORN, fd: int = FD, name: str = "celery") -> Fact:
    """A process that holds a socket."""
    return {"pid": pid, "start_time": start_time, "fd": fd, "name": name}


def half_closed(inode: int = INODE, remote: Address = (THERE, REDIS_PORT), **changed: Any) -> Fact:
    """A half-closed socket that had been idle for a little more than the timeout."""
    usual = {
        "netns": NETNS,
        "family": "ipv4",
        "local": endpoint((HERE, 50123)),
        "remote": endpoint(remote),
        "state": "CLOSE_WAIT",
        "inode": inode,
        "cookie": cookie(inode),
        "uid": 1207,
        "recv_q": 1,
        "send_q": 0,
        "unread_bytes": 0,
        "fin_read": False,
        "age_s": {"min": 95.25, "max": 95.25},
        "idle_at_fin_s": {"min": TIMEOUT + 0.9, "max": TIMEOUT + 0.9},
        "holders": [holder()],
        "holders_omitted": 0,
    }
    return {**usual, **changed}


def cookie(inode: int) -> str:
    """A socket cookie that belongs to the inode."""
    return f"{inode + 0xC00000:016x}"


def watched(
    state: str = "CLOSE_WAIT", inode: int = INODE, remote: Address = (THERE, REDIS_PORT), **changed: Any
) -> Fact:
    """The socket behind a registration."""
    usual = {
        "netns": NETNS,
        "state": state,
        "cookie": cookie(inode),
        "local": endpoint((HERE, 50123)),
        "remote": endpoint(remote),
        "recv_q": 1,
        "send_q": 0,
    }
    return {**usual, **changed}


def watcher(inode: int = INODE, events: int = IN | ALWAYS, fd: int = FD, **changed: Any) -> Fact:
    """A process's own registration of a half-closed socket."""
    usual = {
        "pid": PID,
        "start_time": BORN,
        "name": "celery",
        "epoll_fd": EPOLL_FD,
        "fd": fd,
        "events": events,
        "level_triggered": not events & (EDGE | ONESHOT),
        "inode": inode,
        "kind": "registered",
        "socket": watched(inode=inode),
        "number_now": {"inode": inode, "link": f"socket:[{inode}]"},
        "holders": [holder(fd=fd)],
        "holders_omitted": 0,
    }
    return {**usual, **changed}


def ghost(**changed: Any) -> Fact:
    """A registration of a socket that only a child still holds; the number is another, healthy socket by now."""
    usual = {
        "kind": "ghost",
        "socket": {"state": "CLOSE"},
        "number_now": {"inode": 7740000, "link": "socket:[7740000]"},
        "holders": [holder(CHILD, CHILD_BORN)],
    }
    return watcher(**{**usual, **changed})


def by_process(ages: Fact | None = None, **changed: Any) -> Fact:
    """The half-closed sockets of one process; ``ages`` counts per class, missing ones are empty."""
    classes = ("10", "60", "600", "3600", "21600", "86400", "inf")
    counts = {end: (ages or {"600": 1}).get(end, 0) for end in classes}
    usual = {
        "pid": PID,
        "start_time": BORN,
        "name": "celery",
        "total": sum(counts.values()),
        "watched": 0,
        "oldest_s": 95.25,
        "youngest_s": 95.25,
        "ages": counts,
        "fd_limit": 4096,
    }
    return {**usual, **changed}


def close_wait(sockets: list[Fact] | None = None, rows: list[Fact] | None = None, **changed: Any) -> Fact:
    """The half-closed sockets of a host."""
    listed = [half_closed()] if sockets is None else sockets
    usual = {
        "total": len(listed),
        "unaccepted": sum(not socket["inode"] for socket in listed),
        "unowned": 0,
        "sockets": listed,
        "omitted": 0,
        "by_peer": [],
        "by_peer_omitted": 0,
        "by_process": [by_process()] if rows is None else rows,
        "by_process_omitted": 0,
    }
    return {**usual, **changed}


def watchers(*suspects: Fact, omitted: int = 0) -> Fact:
    """The suspicious registrations of a host."""
    return {"level_triggered": 14 + len(suspects), "suspects": list(suspects), "omitted": omitted}


def crowded_remote(last: int = 1, **changed: Any) -> Fact:
    """A remote to which several processes have many connections."""
    usual = {
        "name": "dispatch",
        "netns": NETNS,
        "address": f"198.51.100.{100 + last}",
        "port": 9301,
        "total": 124,
        "processes": 4,
        "p50": 31,
        "max": 31,
        "source": HERE,
        "ports_used": 124,
        "time_wait": 0,
        "ports": 28232,
        "sampled": 20,
        "waiting": 1,
        "idle_p50_s": 0.42,
        "idle_max_s": 6.1,
    }
    return {**usual, **changed}


def crowded_process(pid: int = PID, **changed: Any) -> Fact:
    """A process with as many connections to each of its remotes."""
    usual = {
        "pid": pid,
        "start_time": BORN,
        "name": "dispatch",
        "total": 186,
        "remotes": 6,
        "p50": 31,
        "max": 31,
        "top": [{"address": "198.51.100.101", "port": 9301, "total": 31}],
        "fds": 204,
        "fd_limit": 4096,
    }
    return {**usual, **changed}


def established(remotes: tuple[Fact, ...] = (), processes: tuple[Fact, ...] = (), **changed: Any) -> Fact:
    """The connections of a host; without rows, few of each."""
    usual = {
        "opened": 22 + sum(row["total"] for row in remotes),
        "incoming": 5,
        "unowned": 0,
        "by_remote": list(remotes),
        "by_remote_omitted": 0,
        "by_process": list(processes),
        "by_process_omitted": 0,
    }
    return {**usual, **changed}


def closing(*sockets: Fact, **changed: Any) -> Fact:
    """Connections that this end has closed and the other one has not."""
    return {"total": len(sockets), "sockets": list(sockets), "omitted": 0, **changed}


def tcp(**changed: Any) -> Fact:
    """TCP facts of a host whose worker has one half-closed socket in its epoll set."""
    usual = {
        "errors": [],
        "addresses": ["127.0.0.1", "::1", HERE],
        "namespaces": [{"netns": NETNS, "pid": 1, "processes": 71}],
        "states": {"CLOSE_WAIT": 1, "ESTABLISHED": 22},
        "listeners": {"sockets": [], "omitted": 0},
        "close_wait": close_wait(),
        "watchers": watchers(watcher()),
        "established": established(),
        "unreadable": {"total": 0, "processes": [], "omitted": 0},
        "accept_queues": no_queues(),
        "vanished": vanished(),
        "closing": closing(),
    }
    return {**usual, **changed}


def no_queues() -> Fact:
    """Nothing waits to be accepted."""
    return {
        "window_s": 3.25,
        "namespaces": [
            {"netns": NETNS, "overflows": 0, "drops": 0, "overflows_per_s": 0.0, "drops_per_s": 0.0},
        ],
        "listeners": [],
        "omitted": 0,
        "processes": [],
        "processes_omitted": 0,
    }


def vanished(*sockets: Fact, **changed: Any) -> Fact:
    """The connections of a host that ended while their fds stayed open."""
    return {"total": len(sockets), "unasked": 0, "sockets": list(sockets), "omitted": 0, **changed}


def cpu(*processes: Fact, **changed: Any) -> Fact:
    """CPU facts; without processes, of the one that spins."""
    usual = {
        "errors": [],
        "window_s": 3.0,
        "subwindows": 5,
        "cpus": 2,
        "processes_total": 214,
        "processes": list(processes) or [process()],
        "omitted": 0,
    }
    return {**usual, **changed}


def calls(**changed: Any) -> Fact:
    """System calls of a loop that polls: each poll returns at once, and nothing is to be read."""
    usual = {
        "tids": [PID],
        "seconds": 2.4,
        "total": [8120, 8003, 7991, 8114],
        "polls": [4060, 4001, 3996, 4057],
        "moved": [0, 0, 0, 0],
        "failing": [0, 0, 0, 0],
        "failing_calls": [],
        "failing_unlisted": 0,
    }
    return {**usual, **changed}


def io(**changed: Any) -> Fact:
    """Nothing read and nothing written."""
    return {**{name: [0, 0, 0, 0] for name in ("bytes_read", "bytes_written", "reads", "writes")}, **changed}


def followed(pid: int = PID, start_time: int = BORN, **changed: Any) -> Fact:
    """What a process got done: nothing."""
    usual = {
        "pid": pid,
        "start_time": start_time,
        "name": "celery",
        "io": io(),
        "calls": calls(tids=[pid]),
        "sockets": {"held": 3, "opened": 0, "ended": 0, "tcp": None},
        "files": [],
        "files_omitted": 0,
        "missing_folders": [],
        "errors": [],
    }
    return {**usual, **changed}


def progress(*processes: Fact, **changed: Any) -> Fact:
    """Progress facts; without processes, of the one that spins."""
    usual = {
        "errors": [],
        "window_s": 3.0,
        "subwindows": 4,
        "processes": list(processes) or [followed()],
        "omitted": 0,
    }
    return {**usual, **changed}


def instance(**changed: Any) -> Fact:
    """A Redis that closes idle connections."""
    usual = {
        "pid": 811,
        "start_time": 4021,
        "address": THERE,
        "port": REDIS_PORT,
        "unix_socket": None,
        "version": "7.2.4",
        "timeout": TIMEOUT,
        "tcp_keepalive": 300,
        "config_file": "/etc/redis/kiln.conf",
        "error": None,
        "netns": NETNS,
    }
    return {**usual, **changed}


def redis(*instances: Fact, **changed: Any) -> Fact:
    """Redis facts of a host; without instances, of one with the usual instance."""
    return {"errors": [], "instances": list(instances) or [instance()], "omitted": 0, **changed}


def no_redis() -> Fact:
    """Redis facts of a host without Redis."""
    return {"errors": [], "instances": [], "omitted": 0}


def no_nginx() -> Fact:
    """The facts of a host that runs no nginx."""
    return {"errors": [], "window_s": 600.0, "since": None, "asked": [], "instances": [], "omitted": 0}


def no_services() -> Fact:
    """What is gathered about services on a host that runs none of them."""
    supervisor = {"errors": [], "daemons": [], "omitted": 0, "orphans": [], "orphans_omitted": 0}
    return {"redis": no_redis(), "supervisor": supervisor, "nginx": no_nginx(), "mysql": no_mysql()}


def no_mysql() -> Fact:
    """Database facts of a host without one."""
    return {"errors": [], "instances": [], "omitted": 0}


def worker(**changed: Any) -> Fact:
    """All facts of the host with the spinning worker."""
    return {
        "tcp": tcp(),
        "cpu": cpu(),
        "progress": progress(),
        **no_services(),
        **changed,
    }


def server(**changed: Any) -> Fact:
    """All facts of the host with Redis, where nothing is wrong."""
    idle = tcp(
        addresses=["127.0.0.1", THERE], close_wait=close_wait([], []), watchers=watchers(), states={"ESTABLISHED": 9}
    )
    calm = {"cpu": cpu(sleeping(811, 4021)), "progress": progress(processes=[])}
    return {"tcp": idle, **calm, **no_services(), "redis": redis(), **changed}


def registered(facts: Fact, at: str = "2026-11-02T08:15:30Z", **changed: Any) -> Fact:
    """The result of the gathering task, as a play registers it."""
    provenance = {"gathered_at": at, "boot_id": "7d1f5c1e-0b52-4c53-9f5a-3f2f7d0f9b11"}
    return {"changed": False, "failed": False, "ansible_facts": {"closewait": {**provenance, **facts}}, **changed}
