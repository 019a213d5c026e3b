# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of a Celery worker, from a configuration file or from /proc: which pool, which limits, which app.

Pure. Options: ``celery worker --help`` of Celery 4.4 and 5.6; 4.x also takes those of the app behind ``worker``.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import NamedTuple, Optional, Sequence

_WITH_VALUE = {
    "-A": "app", "--app": "app",
    "-b": "broker", "--broker": "broker",
    "--workdir": "workdir", "--config": "config", "--loader": "loader",
    "-P": "pool", "--pool": "pool", "-p": "pool",
    "--time-limit": "time_limit", "--soft-time-limit": "soft_time_limit",
    "-n": "hostname", "--hostname": "hostname",
}  # fmt: skip
_OF_THE_APP = {"app": "--app", "workdir": "--workdir", "config": "--config", "loader": "--loader"}
_NUMBER = re.compile(r"\d+(?:\.\d+)?\Z")


class Worker(NamedTuple):
    """``client``: how to call the same Celery again, app included and broker left out.

    ``broker``: its URL when it was on the command line, which may hold a password. ``pool``: as written, ``prefork``
    when it is not. ``time_limit``, ``soft_time_limit``: seconds. ``hostname``: the value of ``-n``, not expanded.
    """

    client: list[str]
    broker: Optional[str]
    pool: str
    time_limit: Optional[float]
    soft_time_limit: Optional[float]
    hostname: Optional[str]


def of_text(command: str) -> Optional[Worker]:
    """The worker in a ``command=`` of supervisord, also one wrapped as ``sh -c "exec celery …"``."""
    try:
        return of_argv(shlex.split(command))
    except ValueError:
        return None


def of_argv(argv: Sequence[str]) -> Optional[Worker]:
    """The worker in an argument list; None when there is none."""
    for word in argv:
        if " " in word and "celery" in word:
            inner = of_text(word)
            if inner is not None:
                return inner
    at = _program(argv)
    if at is None or "worker" not in argv[at + 1 :]:
        return None
    return _worker(_leading(argv, at), _options(argv[at + 1 :]))


def _program(argv: Sequence[str]) -> Optional[int]:
    for position, word in enumerate(argv):
        if os.path.basename(word) in ("celery", "celery.exe"):
            return position
    return None


def _leading(argv: Sequence[str], at: int) -> list[str]:
    # Words such as env, nice or exec before the interpreter or the script are no part of the call.
    if at >= 2 and argv[at - 1] == "-m":
        return [argv[at - 2], "-m", argv[at]]
    script = at >= 1 and re.match(r"(?:python|pypy)[\d.]*\Z", os.path.basename(argv[at - 1]))
    return list(argv[at - 1 : at + 1]) if script else [argv[at]]


def _options(words: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word, following in zip(words, [*words[1:], ""]):
        name, equals, value = word.partition("=")
        if equals and name in _WITH_VALUE:
            found[_WITH_VALUE[name]] = value
        elif word in _WITH_VALUE:
            found[_WITH_VALUE[word]] = following
        elif not word.startswith("--") and word[:2] in _WITH_VALUE:
            found[_WITH_VALUE[word[:2]]] = word[2:]
    return found


def _worker(leading: list[str], options: dict[str, str]) -> Worker:
    app = [word for name, flag in _OF_THE_APP.items() if name in options for word in (flag, options[name])]
    return Worker(
        leading + app,
        options.get("broker"),
        options.get("pool", "prefork"),
        _seconds(options.get("time_limit")),
        _seconds(options.get("soft_time_limit")),
        options.get("hostname"),
    )


def _seconds(text: Optional[str]) -> Optional[float]:
    return float(text) if text and _NUMBER.match(text) else None
