"""What every suite of tests ends with: what each folder of it cost."""

import collections
from pathlib import PurePosixPath

_seconds = collections.Counter()
_tests = collections.defaultdict(set)


def pytest_runtest_logreport(report):
    """Of each test's setup, call and teardown; where there are workers, in the process that has them."""
    folder = str(PurePosixPath(report.location[0]).parent)
    _seconds[folder] += report.duration
    _tests[folder].add(report.nodeid)


def pytest_terminal_summary(terminalreporter):
    if not _seconds:
        return
    terminalreporter.section("cost of each folder")
    for folder, seconds in _seconds.most_common():
        terminalreporter.write_line(f"{seconds:7.1f} s {len(_tests[folder]):4} tests  {folder}")
    terminalreporter.write_line(f"{sum(_seconds.values()):7.1f} s in all")
