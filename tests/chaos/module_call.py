# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the module ``fd_close``: its own ``main()`` in a fork of this process, or a whole run of ansible."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible.module_utils.testing import patch_module_args
from ansible_collections.closewait.remediation.plugins.module_utils._fd import closer as fd_closer
from ansible_collections.closewait.remediation.plugins.modules import fd_close

from . import blindfold

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scenario_kit.playbooks import Control

LONGEST_S = 180


class Answer(NamedTuple):
    """What the module returned; ``error`` when it did not. ``begin`` and ``end`` in monotonic ns."""

    results: list[dict[str, Any]]
    stops: list[dict[str, Any]]
    error: str | None
    begin: int
    end: int


class Manner(NamedTuple):
    """``settle_s``: patience with a loop that does not sleep; ours never do, and less of it is the harder case.

    ``blind``: see :mod:`chaos.blindfold`.
    """

    settle_s: float
    blind: bool


def in_process(arguments: Mapping[str, Any], scratch: Path, manner: Manner) -> Answer:
    """The module's ``main()`` with these arguments, in a fork."""
    begin = time.monotonic_ns()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _be_the_module(arguments, writer, scratch, manner)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        signal.signal(signal.SIGALRM, lambda *_about: os.kill(pid, signal.SIGKILL))
        signal.alarm(LONGEST_S)
        said = stream.read()
        os.waitpid(pid, 0)
        signal.alarm(0)
    return _answer(said.decode(errors="replace"), begin)


def by_ansible(arguments: Mapping[str, Any], control: Control) -> Answer:
    """As a user calls it."""
    begin = time.monotonic_ns()
    try:
        result = control.module("fd_close", arguments)
    except ValueError as exc:
        return Answer([], [], f"ansible gave no result: {exc}", begin, time.monotonic_ns())
    return _checked(result, begin)


def _be_the_module(arguments: Mapping[str, Any], writer: int, scratch: Path, manner: Manner) -> None:
    """Never returns. What we would do at our exit is none of the module's business."""
    atexit._clear()  # noqa: SLF001 - documented nowhere else, and a fork needs it
    os.dup2(writer, 1)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    fd_closer.SETTLE_S = manner.settle_s
    try:
        if manner.blind:
            blindfold.put_on()
        with contextlib.suppress(SystemExit), patch_module_args({**arguments, "_ansible_remote_tmp": str(scratch)}):
            fd_close.main()
        atexit._run_exitfuncs()  # noqa: SLF001 - as at the end of a program
    except BaseException:  # noqa: BLE001 - whatever it is, it must be told
        traceback.print_exc(file=sys.stdout)
    sys.stdout.flush()
    os._exit(0)


def _answer(said: str, begin: int) -> Answer:
    try:
        result = json.loads(said[said.index("{") : said.rindex("}") + 1])
    except ValueError:
        return Answer([], [], said[-2000:] or "no answer", begin, time.monotonic_ns())
    return _checked(result, begin)


def _checked(result: dict[str, Any], begin: int) -> Answer:
    error = None if "results" in result else str(result.get("msg", result))
    return Answer(result.get("results", []), result.get("stops", []), error, begin, time.monotonic_ns())
