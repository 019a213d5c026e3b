# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of an access log: rotated, compressed, bounded, and in memory that does not grow with it."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from pathlib import Path
from typing import List, Optional, Tuple

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import attempts as nginx_attempts
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import log_window as nginx_log_window
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import span as nginx_span
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.access_logs import Log
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tally import UpstreamTally

FORMAT = "$msec $upstream_addr $upstream_response_time $upstream_status"
MUCH = 1 << 40


def _line(second: int) -> str:
    return "%d.000 10.4.0.%d:81 0.%03d 200\n" % (second, second % 3, second % 1000)


def _when(line: str) -> Optional[float]:
    word = line.split(" ", 1)[0]
    return float(word) if word.replace(".", "").isdigit() else None


def _write(path: Path, first: int, last: int) -> None:
    """A line for each second, and the file is as old as its last."""
    text = "".join(map(_line, range(first, last + 1))).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    os.utime(str(path), (last, last))


def _seen(path: Path, start: float, most: int = MUCH) -> Tuple[List[int], Optional[str]]:
    """The seconds from ``start`` on that are in the window, and why it is cut."""
    window = nginx_log_window.window(str(path), start, most, _when)
    lines = [line for part in window.parts for line in nginx_log_window.lines(part)]
    return [second for second in (int(_when(line) or 0) for line in lines) if second >= start], window.cut


@pytest.mark.parametrize("start", [0, 1, 6999, 7000, 7777, 9989, 10000])
def test_all_lines_of_the_window_and_few_others(tmp_path: Path, start: int) -> None:
    path = tmp_path / "access.log"
    _write(path, 1, 10000)
    assert _seen(path, start) == (list(range(max(start, 1), 10001)), None)
    window = nginx_log_window.window(str(path), start, MUCH, _when)
    read = sum(1 for part in window.parts for _line in nginx_log_window.lines(part))
    assert read <= 10000 - start + 1 + 4000


def test_rotated_files_are_read_as_far_as_the_window_goes(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    _write(path, 901, 1000)
    _write(tmp_path / "access.log.1", 801, 900)
    _write(tmp_path / "access.log.2.gz", 701, 800)
    _write(tmp_path / "access.log-20260103.gz", 601, 700)
    (tmp_path / "access.log.bak").write_text(_line(999))
    (tmp_path / "access.log-old").write_text(_line(999))
    assert _seen(path, 950) == (list(range(950, 1001)), None)
    assert _seen(path, 850) == (list(range(850, 1001)), None)
    assert _seen(path, 750) == (list(range(750, 1001)), None)
    assert _seen(path, 10) == (list(range(601, 1001)), None)
    assert len(nginx_log_window.window(str(path), 850, MUCH, _when).parts) == 2


def test_an_empty_log_has_its_requests_in_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"")
    os.utime(str(path), (10, 10))
    _write(tmp_path / "access.log.1", 801, 900)
    assert _seen(path, 880) == (list(range(880, 901)), None)


def test_a_cut_is_stated(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    _write(path, 1, 10000)
    seen, cut = _seen(path, 1, 4096)
    assert seen == list(range(seen[0], 10001))
    assert 4000 < sum(len(_line(second)) for second in seen) <= 4096
    assert cut is not None
    assert "max_bytes is 4096" in cut
    _write(tmp_path / "access.log.1.gz", -5, 0)
    assert "access.log.1.gz is read no further back" in str(_seen(path, -100, path.stat().st_size + 10)[1])


def test_what_cannot_be_unpacked_is_stated(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    _write(path, 901, 1000)
    packed = tmp_path / "access.log.1.zst"
    packed.write_bytes(b"not read")
    os.utime(str(packed), (900, 900))
    assert _seen(path, 950)[1] is None
    assert "access.log.1.zst" in str(_seen(path, 1)[1])


def test_a_log_that_is_rotated_meanwhile_is_no_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    _write(path, 1, 100)
    [part] = nginx_log_window.window(str(path), 1, MUCH, _when).parts
    path.rename(tmp_path / "access.log.1")
    path.write_text(_line(101))
    with pytest.raises(OSError, match="rotated meanwhile"):
        list(nginx_log_window.lines(part))


def test_the_line_that_is_just_being_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text(_line(1) + _line(2) + "3.000 10.4.0.0:8")
    assert _seen(path, 1)[0] == [1, 2]


def test_a_line_without_end_takes_no_memory_of_its_size(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text(_line(1) + "x" * 3_000_000 + "\n" + _line(2))
    assert _seen(path, 1)[0] == [1, 2]
    window = nginx_log_window.window(str(path), 1, MUCH, _when)
    assert max(len(line) for part in window.parts for line in nginx_log_window.lines(part)) <= 1 << 16


def _peak(path: Path, seconds: int) -> int:
    """Bytes of Python objects while all of a log is counted."""
    _write(path, 1, seconds)
    tally = UpstreamTally("app", ["10.4.0.0:81", "10.4.0.1:81", "10.4.0.2:81"])
    tracemalloc.start()
    readings, faults = nginx_attempts.count([Log(str(path), FORMAT)], [tally], nginx_span.Span(1e12, None, MUCH))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert faults == {}
    assert (readings[0].lines, readings[0].other_lines, tally.requests) == (seconds, 0, seconds)
    return peak


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    few, many = _peak(tmp_path / "few.log", 1_000), _peak(tmp_path / "many.log", 12_000)
    assert (tmp_path / "many.log").stat().st_size > 300_000
    assert many < few + 50_000
    assert many < 250_000
