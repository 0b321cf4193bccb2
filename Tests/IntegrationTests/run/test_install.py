"""The walk-through of 2010: install from a CD, boot from the disk, answer on the bridge."""

import pytest

PARAMS_OF_2010 = """\
MAC=52:54:00:00:00:01
DISK0={directory}/vdisk0
DISK1={directory}/vdisk1
MEMORY=512
VNCDISP=0
"""


@pytest.fixture
def vm_of_2010(bridged_host):
    """The five lines as they were, and two sparse disks as `dd` made them."""
    directory = bridged_host.vms / "1"
    directory.mkdir()
    for disk in ("vdisk0", "vdisk1"):
        with open(directory / disk, "wb") as file:
            file.truncate(8 << 30)
    params = directory / "vm.params"
    params.write_text(PARAMS_OF_2010.format(directory=directory))
    return params


def assert_installed_system_is_up(host):
    host.wait_console("1", "tiny: marker written by the installer")
    host.wait_console("1", "tiny: up")
    ping = host.execute("ping", "-c", "1", "-w", "10", "10.9.0.2")
    assert ping.returncode == 0, ping.stdout


def test_install_then_boot_from_the_disk(bridged_host, vm_of_2010):
    host = bridged_host
    host.kvmctl("start", vm_of_2010, "--cdrom", host.guests / "install.iso")
    host.wait_console("1", "tiny: installed, rebooting")
    # The CD boots once: the guest's own reboot already comes from the disk.
    assert_installed_system_is_up(host)
    assert host.show("1")["nics"][0]["mac"] == "52:54:00:00:00:01"

    host.kvmctl("stop", "1")
    host.assert_nothing_left()

    host.kvmctl("start", "1")
    assert_installed_system_is_up(host)
    host.kvmctl("stop", "1")


def start_by_the_old_command(host, *arguments):
    result = host.execute(host.old_command, *arguments)
    assert result.returncode == 0, result.stderr
    for words in ("VNC at 127.0.0.1:", "on br0", f"pid {host.qemu().pid}"):
        assert words in result.stdout


def test_old_command_line(bridged_host, vm_of_2010):
    host = bridged_host
    start_by_the_old_command(host, vm_of_2010, host.guests / "install.iso", "boot_from_cd")
    host.wait_console("1", "Loading the installer")
    host.kvmctl("stop", "1", "--now")
    start_by_the_old_command(host, vm_of_2010)
    assert str(host.guests / "install.iso") not in host.qemu().descriptors.values()


@pytest.mark.deep
def test_old_command_line_installs(bridged_host, vm_of_2010):
    host = bridged_host
    start_by_the_old_command(host, vm_of_2010, host.guests / "install.iso", "boot_from_cd")
    host.wait_console("1", "tiny: installed, rebooting")
    host.kvmctl("stop", "1", "--now")
    start_by_the_old_command(host, vm_of_2010)
    assert_installed_system_is_up(host)


def test_create_makes_what_start_needs(bridged_host):
    host = bridged_host
    directory = host.vms / "1"
    directory.mkdir()
    host.kvmctl("create", directory, "--disk", "8G", "--disk", "8G", "--memory", "512", "--vnc", "0")
    for disk in ("vdisk0", "vdisk1"):
        status = (directory / disk).stat()
        assert (status.st_size, status.st_blocks) == (8 << 30, 0)

    host.kvmctl("check", "1")
    host.kvmctl("start", "1")
    [listed] = host.json("list")
    assert (listed["name"], listed["state"], listed["memory"]) == ("1", "running", 512 << 20)
    shown = host.show("1")
    assert shown["pid"] == host.qemu().pid
    assert set(host.taps()) == {shown["nics"][0]["tap"]}
    host.kvmctl("stop", "1", "--now")
