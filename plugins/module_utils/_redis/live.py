# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``timeout`` and ``tcp-keepalive`` of a running server: read, compare, set, read back, put back."""

from __future__ import annotations

from typing import Mapping, Optional, Protocol

from ansible_collections.closewait.remediation.plugins.module_utils._redis.reply import RedisError

#: Names as Ansible and the facts spell them, and as Redis does.
PARAMETERS = {"timeout": "timeout", "tcp_keepalive": "tcp-keepalive"}

#: Both are a C int in the server.
MOST = 2147483647


class Server(Protocol):
    """The two commands this needs; :class:`cli.RedisCli` has them."""

    def config_get(self, name: str) -> Optional[str]:
        """One parameter as text, None when unknown."""

    def config_set(self, name: str, value: int) -> None:
        """Set one parameter."""


def read(server: Server) -> dict[str, int]:
    """Both settings, ``timeout`` and ``tcp_keepalive``, in seconds. Raises RedisError."""
    return {name: _read_one(server, parameter) for name, parameter in PARAMETERS.items()}


def check(wanted: Mapping[str, Optional[int]]) -> None:
    """Raises RedisError for a value that no server takes, so that check mode finds it too."""
    for name, value in wanted.items():
        if value is not None and not 0 <= value <= MOST:
            raise RedisError("bad_value", "%s is %d, it must be from 0 to %d" % (name, value, MOST))


def differing(now: Mapping[str, int], wanted: Mapping[str, Optional[int]]) -> dict[str, int]:
    """Those wanted values that are not there yet; None is not a wish."""
    return {name: value for name, value in wanted.items() if value is not None and now[name] != value}


def shortens(now: int, then: Optional[int]) -> bool:
    """Whether clients may be closed that were kept so far; ``then`` None is no change, 0 is never."""
    return bool(then) and (now == 0 or (then or 0) < now)


def undetected(settings: Mapping[str, int]) -> Optional[str]:
    """What becomes of clients that vanish without a word when neither setting finds them; None when one does."""
    if settings["timeout"] or settings["tcp_keepalive"]:
        return None
    return (
        "timeout 0 and tcp-keepalive 0: nothing finds clients that vanish without a word, so their connections stay "
        "until maxclients is reached; set tcp_keepalive, 300 is the default of Redis"
    )


def change(server: Server, before: Mapping[str, int], changes: Mapping[str, int]) -> dict[str, int]:
    """Set the changes and return what the server then reports. On any failure all is put back and RedisError raised."""
    touched: list[str] = []
    try:
        for name, value in changes.items():
            touched.append(name)
            server.config_set(PARAMETERS[name], value)
        after = read(server)
        _compare(after, changes)
    except RedisError as exc:
        raise _put_back(server, before, touched, exc) from exc
    return after


def listing(settings: Mapping[str, Optional[int]]) -> str:
    """For a diff: a line per known setting, in the words of redis.conf."""
    return "".join("%s %d\n" % (PARAMETERS[name], value) for name, value in settings.items() if value is not None)


def _read_one(server: Server, parameter: str) -> int:
    text = server.config_get(parameter)
    if text is None or not text.isdigit():
        raise RedisError("no_parameter", "CONFIG GET %s answered %r instead of a number" % (parameter, text))
    return int(text)


def _compare(after: Mapping[str, int], wanted: Mapping[str, int]) -> None:
    for name, value in wanted.items():
        if after[name] != value:
            said = "%s is still %d after CONFIG SET %d" % (PARAMETERS[name], after[name], value)
            raise RedisError("not_taken", said, "something else sets it: look for another manager of this server")


def _put_back(server: Server, before: Mapping[str, int], touched: list[str], cause: RedisError) -> RedisError:
    """The cause, with the word that nothing was changed, or what now needs a human."""
    try:
        for name in differing(read(server), {name: before[name] for name in touched}):
            server.config_set(PARAMETERS[name], before[name])
    except RedisError as exc:
        said = "%s; and %s could not be put back: %s" % (cause, ", ".join(touched), exc.said)
        return RedisError("half_done", said, "values before: %s" % dict(before))
    return RedisError(cause.kind, cause.said, "; ".join(filter(None, (cause.advice, "nothing was changed"))))
