"""Black-box tests of the kvmctl binary on real guests and the real kernel. They need root and never skip.

KVMCTL_BIN names the binary; else it is the debug build of this tree. With `-n 2` two tests run at a time: see
pytest_xdist_setupnodes.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rig.docs import make_docs
from rig.host import NOBODY, Host
from rig.namespaces import apart
from rig.tree import TREE

# nohup(1), and a shell that starts a job in the background, have them ignored, and what is tested would inherit that.
for number in signal.SIGINT, signal.SIGHUP, signal.SIGQUIT:
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_configure(config):
    """Makes a place for warm images, which the workers share."""
    if not hasattr(config, "workerinput"):
        directory = tempfile.mkdtemp(prefix="kvmctl-warm-", dir="/tmp")
        os.environ["KVMCTL_TEST_WARM"] = directory
        config.add_cleanup(lambda: shutil.rmtree(directory))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs):
    """Keeps the workers of pytest-xdist apart: kvmctl looks at all processes, and each worker has a VM called vm."""
    for spec in specs:
        spec.python = shlex.join([*apart(), sys.executable])


def pytest_collection_modifyitems(items):
    """What takes long begins first."""
    items.sort(key=lambda item: item.get_closest_marker("minutes") is None)


@pytest.fixture(scope="session")
def binary():
    path = Path(os.environ.get("KVMCTL_BIN", TREE / ".build/debug/kvmctl")).resolve()
    assert path.is_file(), f"{path} does not exist: run 'make build', or set KVMCTL_BIN"
    return path


@pytest.fixture(scope="session")
def _hosts_binary(binary):
    """A copy for the hosts to link to, whatever becomes of the build directory meanwhile."""
    with tempfile.TemporaryDirectory(prefix="kvmctl-test-", dir="/tmp") as directory:
        yield shutil.copy(binary, directory)


@pytest.fixture(scope="session")
def guests():
    """The directory of vmlinuz, initrd.gz, initrd-agent.gz and install.iso."""
    built = subprocess.run([TREE / "Tests/rig/guests/build"], check=True, stdout=subprocess.PIPE, text=True)
    return Path(built.stdout.strip())


@pytest.fixture(scope="session")
def docs(binary, tmp_path_factory):
    """The directory of the binary's man pages and completions."""
    directory = tmp_path_factory.mktemp("docs") / "made"
    make_docs(binary, directory)
    return directory


@pytest.fixture
def host(_hosts_binary, guests, request):
    yield from _lend(Host(_hosts_binary, guests), request)


@pytest.fixture
def bridged_host(host):
    """A host with the bridge br0, made by kvmctl, and an address on it."""
    host.kvmctl("net", "up", "br0")
    host.ip("address", "add", "10.9.0.1/24", "dev", "br0")
    return host


@pytest.fixture
def rootless_host(_hosts_binary, guests, request):
    """A host where kvmctl runs as the user nobody."""
    yield from _lend(Host(_hosts_binary, guests, uid=NOBODY), request)


def _lend(host, request):
    request.node.host = host
    yield host
    host.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the logs of the VMs to the report of a test that failed, while they still exist."""
    report = (yield).get_result()
    host = getattr(item, "host", None)
    if host is None or not report.failed:
        return
    for log in sorted(host.run.glob("log/*/*")):
        if log.is_file():
            report.sections.append((f"end of {log.relative_to(host.run)}", log.read_text(errors="replace")[-3000:]))
