# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program in a tree full of files that a debugger could be made to run, each of which leaves a canary when it is.

What gdb looks for: "Auto-loading", "Startup", "dotdebug_gdb_scripts section", "Separate Debug Files" of its manual.
"""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .spinner import PROGRAMS

_SECTION = r"""
__asm__(".pushsection \".debug_gdb_scripts\", \"MS\",@progbits,1\n"
        ".byte 4\n.ascii \"planted\\n%s\\n\"\n.byte 0\n.popsection\n");
"""
_LIBRARY = "int planted(void) { return 0; }\n"
_THREAD_DB = r"""
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void run(void) { close(open("%s", O_CREAT | O_WRONLY, 0600)); }
"""
#: What must have run under a gdb that is left to its own ways, or the canaries prove nothing.
CANARIES = ("init", "early-init", "home", "program-script", "library-script", "section", "thread-db", "gdb")


@dataclass(frozen=True)
class Planted:
    """``folder`` is the tree, ``program`` the executable in it; canaries appear in ``canaries``."""

    folder: Path
    canaries: Path

    @property
    def program(self) -> Path:
        """A C program with debug information, a library and sections of its own."""
        return self.folder / "program"

    def ran(self) -> set[str]:
        """Which of the planted things have been run."""
        return {path.name for path in self.canaries.iterdir()}

    def python(self, name: str) -> str:
        """Python code that leaves a canary."""
        return f"open({str(self.canaries / name)!r}, 'w').close()"

    def command(self, name: str) -> str:
        """The same as a gdb command."""
        return f"python {self.python(name)}\n"


@dataclass
class Debuginfod:
    """A server for debug information; ``asked`` has the paths that somebody wanted."""

    port: int
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """For ``$DEBUGINFOD_URLS``."""
        return f"http://127.0.0.1:{self.port}"


def _compile(*words: str | Path) -> None:
    subprocess.run(["gcc", "-g", "-O0", *words], check=True)


def _build(tree: Planted) -> None:
    folder = tree.folder
    section = tree.python("section").replace('"', '\\\\\\"')
    (folder / "section.c").write_text(_SECTION % section + "extern int planted(void); int used(void);\n")
    (folder / "library.c").write_text(_LIBRARY)
    (folder / "thread_db.c").write_text(_THREAD_DB % (tree.canaries / "thread-db"))
    _compile("-shared", "-fPIC", "-o", folder / "libplanted.so", folder / "library.c")
    _compile("-shared", "-fPIC", "-o", folder / "libthread_db.so.1", folder / "thread_db.c")
    sources = [PROGRAMS / "c_loop.c", folder / "section.c"]
    links = ["-Wl,--no-as-needed", f"-L{folder}", f"-Wl,-rpath,{folder}", "-lplanted", "-pthread"]
    _compile("-o", tree.program, *sources, *links)
    # The debug information goes to a file of its own, where a link in the program says that it is.
    debug = folder / ".debug"
    debug.mkdir()
    apart = debug / "program.debug"
    subprocess.run(["objcopy", "--only-keep-debug", tree.program, apart], check=True)
    subprocess.run(["objcopy", "--strip-debug", f"--add-gnu-debuglink={apart}", tree.program], check=True)


def _scripts(tree: Planted) -> None:
    folder = tree.folder
    (folder / ".gdbinit").write_text(tree.command("init"))
    # Python is not there yet when this is read.
    (folder / ".gdbearlyinit").write_text(f"shell : > {tree.canaries}/early-init\n")
    (folder / ".config/gdb").mkdir(parents=True)
    (folder / ".config/gdb/gdbinit").write_text(tree.command("home"))
    (folder / "program-gdb.py").write_text(tree.python("program-script") + "\n")
    (folder / "program-gdb.gdb").write_text(tree.command("program-script"))
    (folder / "libplanted.so-gdb.py").write_text(tree.python("library-script") + "\n")
    for name in ("gdb", "python3", "sh"):
        (folder / name).write_text(f"#!/bin/sh\n: > {tree.canaries}/{name}\nexit 1\n")
        (folder / name).chmod(0o755)


def plant(folder: Path) -> Planted:
    """Make the tree below ``folder``."""
    tree = Planted(folder / "tree", folder / "canaries")
    tree.folder.mkdir()
    tree.canaries.mkdir()
    _build(tree)
    _scripts(tree)
    return tree


@contextmanager
def debuginfod() -> Iterator[Debuginfod]:
    """A server that has nothing, and remembers what it was asked for."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *_words: object) -> None:  # noqa: A002 - the name it has there
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = Debuginfod(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield site
        finally:
            server.shutdown()
