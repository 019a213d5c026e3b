# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Tornado node: ``PORT THIRD_PARTY_PORT FILE``. FILE says how its handlers call the third party."""

from __future__ import annotations

import asyncio
import http.client
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tornado.web
from tornado.httpclient import AsyncHTTPClient
from tornado.ioloop import IOLoop

_PORT, _THIRD_PARTY, _STYLE = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]).read_text().strip()
_MANY = 1000
_THREADS = ThreadPoolExecutor(256)


def _call(timeout: float | None) -> bytes:
    """The innocent-looking line that blocks the only loop; without a timeout in recv(2), with one in poll(2)."""
    connection = http.client.HTTPConnection("127.0.0.1", _THIRD_PARTY, timeout=timeout)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read()
    finally:
        connection.close()


async def _blocking() -> bytes:
    return _call(None)


async def _blocking_with_timeout() -> bytes:
    return _call(60)


async def _in_executor() -> bytes:
    body: bytes = await IOLoop.current().run_in_executor(_THREADS, _call, 60)
    return body


async def _asynchronous() -> bytes:
    answer = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{_THIRD_PARTY}/", request_timeout=60)
    body: bytes = answer.body
    return body


_CALLS = {
    "blocking": _blocking,
    "blocking_with_timeout": _blocking_with_timeout,
    "executor": _in_executor,
    "async": _asynchronous,
    "async_max_10": _asynchronous,
}


class Handler(tornado.web.RequestHandler):
    """One page made of the third party's answer."""

    async def get(self) -> None:
        self.write(await _CALLS[_STYLE]())


async def _main() -> None:
    if _STYLE == "async":
        AsyncHTTPClient.configure(None, max_clients=_MANY)
    tornado.web.Application([(r"/", Handler)]).listen(_PORT, "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(_main())
