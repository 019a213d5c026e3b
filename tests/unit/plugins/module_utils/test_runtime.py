# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process runs on, from outside: command lines, mapped files, and real interpreters of this machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _runtime
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    running,
    stat_line,
    tree,
    wait_until,
)

CELERY_PARENT = ["/opt/v/bin/python", "/opt/v/bin/celery", "-A", "shop", "worker"]

ROLES = [
    ("celery -A shop worker -P prefork", "celery-prefork"),
    ("/opt/v/bin/python /opt/v/bin/celery worker --app=shop --pool=prefork -c 8", "celery-prefork"),
    ("celery worker -A shop --pool processes", "celery-prefork"),
    ("python -m celery -A shop worker -P gevent -c 100", "celery-gevent"),
    ("python -m celery -A shop worker -Pgevent", "celery-gevent"),
    ("celery -A shop worker -P=gevent", "celery-gevent"),
    ("celery -A shop worker --pool eventlet", "celery-eventlet"),
    ("celery -A shop worker --pool=solo -l info", "celery-solo"),
    ("celery -A shop worker -P threads", "celery-threads"),
    ("celery -A shop worker -P celery_pool_asyncio:TaskPool", "celery-custom"),
    ("celery -A shop worker -P custom", "celery-custom"),
    ("[celeryd: c@host:MainProcess] -active- (worker -A shop -P prefork -l info)", "celery-prefork"),
    ("[celeryd: c@host:MainProcess] -active- (worker -A shop -P gevent)", "celery-gevent"),
    ("/opt/v/bin/celeryd: c@h:ForkPoolWorker-7 --pool=prefork", "celery-prefork"),
    # The pool is told neither by the command line nor by relatives: it may be set in the app.
    ("celery -A shop worker", "celery-unknown"),
    ("[celeryd: c@host:MainProcess] -active- (worker -A shop)", "celery-unknown"),
    # No workers.
    ("celery -A shop beat", None),
    ("celery -A worker beat", None),
    ("celery --app=worker flower", None),
    ("celery -A shop flower", None),
    ("celery -A shop inspect ping", None),
    ("python /srv/celery/manage.py runserver", None),
    ("tail -f /var/log/celery/worker.log", None),
    ("gunicorn shop.wsgi -w 4", "gunicorn"),
    ("/opt/v/bin/python /opt/v/bin/gunicorn --workers=2 shop:app", "gunicorn"),
    ("gunicorn: master [shop.wsgi]", "gunicorn"),
    ("gunicorn: worker [shop.wsgi]", "gunicorn"),
    ("uwsgi --ini /etc/uwsgi.ini", "uwsgi"),
    ("uWSGI master", "uwsgi"),
    ("uWSGI worker 3", "uwsgi"),
    ("/usr/bin/python3 /usr/bin/twistd -n web --port 8123", "twistd"),
    ("python -m uvicorn shop:app", "uvicorn"),
    ("python3 -u -X dev -m uvicorn shop:app", "uvicorn"),
    ("python server.py", None),
    ("nginx: worker process", None),
    ("", None),
]


@pytest.mark.parametrize(("line", "expected"), ROLES)
def test_roles_as_words_and_as_one_title(line: str, expected: Optional[str]) -> None:
    # setproctitle makes one long argument of what were many.
    assert _runtime.role(line.split(), []) == expected
    assert _runtime.role([line], []) == expected


@pytest.mark.parametrize(
    ("line", "relatives", "expected"),
    [
        ("celery -A shop worker", [["systemd"], ["celery", "-A", "shop", "worker"]], "celery-prefork"),
        ("celery -A shop worker", [CELERY_PARENT], "celery-prefork"),
        ("[celeryd: c@h:MainProcess]", [["supervisord"], ["[celeryd: c@h:ForkPoolWorker-1]"]], "celery-prefork"),
        ("celery -A shop worker", [["supervisord"]], "celery-unknown"),
        ("celery -A shop worker", [["celery", "-A", "shop", "beat"]], "celery-unknown"),
        ("celery -A shop worker -P gevent", [CELERY_PARENT], "celery-gevent"),
        ("python x.py", [CELERY_PARENT], None),
    ],
)
def test_relatives_show_a_prefork_pool(line: str, relatives: Sequence[Sequence[str]], expected: Optional[str]) -> None:
    assert _runtime.role(line.split(), relatives) == expected


def _maps(*paths: str) -> str:
    return "".join("7f%04x000-7f%04x000 r-xp 00000000 fe:01 9  %s\n" % (n, n + 1, p) for n, p in enumerate(paths))


def _detect(tmp_path: Path, exe: str, mapped: Sequence[str], cmdline: str = "") -> _runtime.Runtime:
    proc = tree(tmp_path, {88: {"maps": _maps(exe, *mapped), "cmdline": cmdline, "stat": stat_line(88, "x")}})
    (tmp_path / "88" / "exe").symlink_to(exe)
    (tmp_path / "88" / "root").symlink_to(tmp_path / "image")
    return _runtime.detect(88, proc)


def _image(tmp_path: Path, path: str, content: bytes) -> None:
    place = tmp_path / "image" / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


@pytest.mark.parametrize(
    ("exe", "mapped", "name", "version"),
    [
        ("/usr/bin/python3.9", [], "cpython", "3.9"),
        ("/usr/bin/python2.7", [], "cpython", "2.7"),
        ("/usr/bin/python3.12 (deleted)", [], "cpython", "3.12"),
        ("/opt/v/bin/python3", ["/opt/v/lib/libpython3.10.so.1.0"], "cpython", "3.10"),
        ("/usr/sbin/uwsgi", ["/lib/x86_64-linux-gnu/libpython3.11.so.1.0"], "cpython", "3.11"),
        ("/opt/v/bin/python3.6m", [], "cpython", "3.6"),
        ("/opt/pypy/bin/pypy3.10", ["/opt/pypy/bin/libpypy3.10-c.so"], "pypy", "3.10"),
        ("/usr/bin/node", ["/lib/libc.so.6"], "node", None),
        ("/usr/lib/jvm/java-17/bin/java", [], "java", None),
        ("/usr/lib/erlang/erts-13/bin/beam.smp", [], "erlang", None),
        ("/srv/bin/thing", ["/lib/libc.so.6"], "unknown", None),
        ("/srv/python/bin/thing", ["/srv/python3/x.so"], "unknown", None),
        ("/srv/bin/python-exporter", [], "unknown", None),
    ],
)
def test_runtimes_by_files(tmp_path: Path, exe: str, mapped: List[str], name: str, version: Optional[str]) -> None:
    found = _detect(tmp_path, exe, mapped)
    assert (found.name, found.version) == (name, version)


@pytest.mark.parametrize(
    ("content", "version"),
    [
        (b"\0\x7f3.9.23\0zz", "3.9.23"),
        (b"x3.9.2\0", "3.9.2"),
        (b"\0003.9.0rc2\0", "3.9.0rc2"),
        (b"\0003.9.7+\0", "3.9.7+"),
        (b"\00013.9.7\0", "3.9"),
        (b"\0001.3.9.7\0", "3.9"),
        (b"\0003.9.7.1\0", "3.9"),
        (b"\0003.10.7\0", "3.9"),
        (b"\0003x9.7\0", "3.9"),
        (b"nothing", "3.9"),
        (b"", "3.9"),
    ],
)
def test_the_version_in_the_image(tmp_path: Path, content: bytes, version: str) -> None:
    _image(tmp_path, "/usr/bin/python3.9", content)
    assert _detect(tmp_path, "/usr/bin/python3.9", []).version == version


SITE = "/srv/v/lib/python3.9/site-packages"


def test_loops_with_versions(tmp_path: Path) -> None:
    mapped = [
        "/usr/lib/python3.9/lib-dynload/_asyncio.cpython-39-x86_64-linux-gnu.so",
        SITE + "/gevent/libev/corecext.cpython-39-x86_64-linux-gnu.so",
        SITE + "/uvloop/loop.cpython-39-x86_64-linux-gnu.so",
    ]
    for name in ("gevent-23.9.1.dist-info", "uvloop-0.20.0.dist-info", "geventhttpclient-2.0.dist-info"):
        _image(tmp_path, SITE + "/%s/METADATA" % name, b"")
    found = _detect(tmp_path, "/usr/bin/python3.9", mapped)
    assert sorted(found.loops) == ["asyncio", "gevent 23.9.1", "uvloop 0.20.0"]


def test_loops_without_a_known_version(tmp_path: Path) -> None:
    found = _detect(tmp_path, "/usr/bin/python3.9", [SITE + "/gevent/_abstract.cpython-39.so"])
    assert found.loops == ["gevent"]


@pytest.mark.parametrize(
    "path",
    [
        SITE + "/geventhttpclient/_parser.so",
        "/srv/asyncio/_other.so",
        SITE + "/greenlet/_greenlet.so",
    ],
)
def test_what_is_no_loop(tmp_path: Path, path: str) -> None:
    assert _detect(tmp_path, "/usr/bin/python3.9", [path]).loops == []


def test_a_folder_called_gevent_is_not_gevent(tmp_path: Path) -> None:
    path = "/srv/gevent/venv/lib/python3.9/lib-dynload/_ssl.cpython-39-x86_64-linux-gnu.so"
    assert _detect(tmp_path, "/usr/bin/python3.9", [path]).loops == []


def _interpreters() -> List[str]:
    """This one, and every other that starts: of pyenv, and on PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = [sys.executable]
    for name in [*("python3.%d" % minor for minor in range(8, 16)), "pypy3", "python2.7"]:
        places = [*sorted(pyenv.glob("*/bin/" + name)), shutil.which(name)]
        found += [str(place) for place in places if place and _starts(str(place))][:1]
    return list(dict.fromkeys(found))


def _starts(path: str) -> bool:
    return subprocess.call([path, "-S", "-E", "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


INTERPRETERS = _interpreters()


def _told_from_inside(interpreter: str) -> Tuple[str, str]:
    code = "import platform; print(platform.python_implementation().lower() + ' ' + platform.python_version())"
    name, version = subprocess.check_output([interpreter, "-c", code]).decode().split()
    return name, version


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_version_told_from_outside_is_the_one_told_from_inside(interpreter: str) -> None:
    code = "import sys; print('ready'); sys.stdout.flush(); sys.stdin.read()"
    with running(code, interpreter=interpreter) as process:
        found = _runtime.detect(process.pid)
    assert (found.name, found.version) == _told_from_inside(interpreter)
    assert found.role is None


def test_this_very_interpreter_was_among_them() -> None:
    assert sys.executable in INTERPRETERS
    assert _runtime.detect(os.getpid()).version == platform.python_version()


def test_asyncio_is_seen_once_it_is_imported() -> None:
    code = "import sys\nif sys.argv[1] == 'a': import asyncio\nprint(1)\ninput()"
    with running(code, "a") as with_asyncio, running(code, "b") as without:
        # Where _asyncio is built into the interpreter there is no file to see.
        built_in = "_asyncio" in sys.builtin_module_names
        assert _runtime.detect(with_asyncio.pid).loops == ([] if built_in else ["asyncio"])
        assert _runtime.detect(without.pid).loops == []


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed on this machine")
def test_another_runtime() -> None:
    with subprocess.Popen(["node", "-e", "setTimeout(() => {}, 60000)"]) as process:
        try:
            wait_until(lambda: _runtime.detect(process.pid).name == "node")
        finally:
            process.kill()


def test_a_real_worker_title() -> None:
    code = "import os, sys; print(1); input()"
    with running(code, "celery", "worker", "--pool=gevent") as process:
        # "-c CODE celery worker ...": the words are arguments of a program that is not Celery's.
        assert _runtime.detect(process.pid).role == "celery-gevent"
