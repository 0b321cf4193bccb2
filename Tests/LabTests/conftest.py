"""Tests of kvmctl on hosts with real KVM, a systemd, reboots and power cuts: docs/lab.md. They need root and never skip."""

import os
import sys
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

# What waiting and processes are to a test is the same here as there.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "IntegrationTests"))

from lab.lab import Lab  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--suite", default="bookworm", help="the Debian that the lab hosts run")
    parser.addoption("--power-cuts", type=int, default=2, help="how often a host's power is cut")
    parser.addoption("--lab", help="a lab that tools/lab has started, to run in and to leave as it is")


@pytest.fixture(scope="session")
def lab(request):
    """A wire without hosts on it yet, or the developer's lab."""
    name = request.config.getoption("--lab")
    lab = Lab(name or f"test-{os.getpid()}", request.config.getoption("--suite"))
    lab.open()
    yield lab
    if name is None:
        lab.close()


@pytest.fixture
def lab_host(lab, request):
    """Lab host 1, which all tests share: they remove what they make."""
    request.node.lab = lab
    return lab.host(1)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """Runs a test again, once, and says so, if the kernel of a lab host panicked under it.

    Seen with two guests at once: a general protection fault in the host's kernel, which no program on it can cause, but an
    emulated SVM can.
    """
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    panicked = _panicked(item) if any(report.failed for report in reports) else []
    if panicked:
        item.warn(pytest.PytestWarning(f"run again: the kernel of {', '.join(map(str, panicked))} panicked"))
        for host in panicked:
            host.cut_power()
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _panicked(item):
    lab = getattr(item, "lab", None)
    return [host for host in lab.hosts() if "Kernel panic" in host.console()] if lab else []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the consoles of the lab hosts to the report of a test that failed."""
    report = (yield).get_result()
    lab = getattr(item, "lab", None)
    if lab is None or not report.failed:
        return
    for host in lab.hosts():
        report.sections.append((f"end of the console of {host}", host.console()[-3000:]))
