"""What `make install` and the Debian package install. What happens to running VMs is tested on a lab host with systemd."""

import os
import subprocess

import pytest

from rig.tree import TREE


def install_tree(verb, root, binary, docs, **environment):
    subprocess.run(
        [TREE / "tools/install-tree", verb, root, binary, docs], check=True, env={**os.environ, **environment})


def files(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or not path.is_dir()}


@pytest.mark.parametrize("prefix", ["/usr/local", "/opt/kvmctl"])
def test_uninstall_removes_what_install_put_there_and_nothing_else(binary, docs, tmp_path, prefix):
    others = tmp_path / prefix[1:] / "share/man/man1/other.1"
    others.parent.mkdir(parents=True)
    others.write_text("another program's\n")
    for _ in range(2):
        install_tree("install", tmp_path, binary, docs, PREFIX=prefix)
    top = tmp_path / prefix[1:]
    assert {"bin/kvmctl", "bin/start_a_kvm.sh", "lib/systemd/system/kvmctl@.service"} < files(top)
    version = subprocess.run([top / "bin/kvmctl", "--version"], check=True, capture_output=True, text=True).stdout
    assert version.startswith("kvmctl ")
    assert os.readlink(top / "bin/start_a_kvm.sh") == "kvmctl"
    assert f"ExecStart={prefix}/bin/kvmctl start" in (top / "lib/systemd/system/kvmctl@.service").read_text()
    install_tree("uninstall", tmp_path, binary, docs, PREFIX=prefix)
    assert files(tmp_path) == {str(others.relative_to(tmp_path))}
    assert not (top / "share/doc/kvmctl").exists()


UNITS = [("system", "kvmctl@.service"), ("user", "kvmctl@.service"), ("system", "kvmctl-guests.service"),
         *((manager, f"kvmctl-logs.{kind}") for manager in ("system", "user") for kind in ("path", "timer", "service"))]


@pytest.mark.parametrize("manager, name", UNITS)
def test_systemd_finds_nothing_wrong_with_the_unit(binary, docs, tmp_path, manager, name):
    install_tree("install", tmp_path, binary, docs, PREFIX=str(tmp_path / "at"), LIBDIR="/lib")
    unit = tmp_path / "a-b"
    unit.mkdir()
    # The man pages are not where man(1) looks here.
    for there in (tmp_path / f"lib/systemd/{manager}").glob("kvmctl*.*"):
        text = there.read_text().replace("Documentation=", "#")
        (unit / there.name.replace("@", "@a-b")).write_text(
            text.replace(str(tmp_path / "at/bin"), f"{tmp_path}{tmp_path}/at/bin"))
    path = unit / name.replace("@", "@a-b")
    result = subprocess.run(
        ["systemd-analyze", "verify", f"--{manager}", "--recursive-errors=no", path], capture_output=True, text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)})
    assert (result.returncode, result.stderr) == (0, "")


def dpkg(*words):
    return subprocess.run(["dpkg-deb", *words], check=True, capture_output=True, text=True).stdout


def test_package(binary, docs, tmp_path):
    """lintian is silent, and the version is the binary's."""
    quick = {"DPKG_DEB_COMPRESSOR_TYPE": "gzip", "DPKG_DEB_COMPRESSOR_LEVEL": "1"}
    subprocess.run([TREE / "tools/deb", binary, docs, tmp_path], check=True, env={**os.environ, **quick})
    [package] = tmp_path.glob("*.deb")
    version = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    assert dpkg("--field", package, "Version").strip() == version
    assert "libcap-ng0" in dpkg("--field", package, "Depends")
    contents = dpkg("--contents", package)
    for path in ("bin/kvmctl", "bin/start_a_kvm.sh -> kvmctl", "share/zsh/vendor-completions/_kvmctl",
                 "lib/systemd/system/kvmctl@.service", "share/man/man1/kvmctl-net-up.1.gz", "lib/sysusers.d/kvmctl.conf"):
        assert f" ./usr/{path}\n" in contents
    assert all(line.split()[1] == "root/root" for line in contents.splitlines())
    unit = subprocess.run(
        f"dpkg-deb --fsys-tarfile {package} | tar -xO ./usr/lib/systemd/system/kvmctl@.service", shell=True, check=True,
        capture_output=True, text=True).stdout
    assert "ExecStart=/usr/bin/kvmctl start --foreground -- %i\n" in unit
    lint = subprocess.run(
        ["lintian", "--profile", "debian", "--allow-root", "--tag-display-limit", "0", "--fail-on", "error,warning",
         package], capture_output=True, text=True)
    assert (lint.returncode, lint.stdout) == (0, "")
