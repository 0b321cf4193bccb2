"""Changes to devices that are interrupted."""

import pytest


def lines(host):
    return set((host.vms / "vm/vm.params").read_text().splitlines())


MAC = "52:54:00:12:34:56"


@pytest.mark.parametrize("words, wanted", [
    (("disk", "attach", "vm", "IMAGE"), {"DISK0=IMAGE", "DISK0_FORMAT=raw"}),
    (("cdrom", "insert", "vm", "IMAGE"), {"CDROM0=IMAGE"}),
    (("nic", "attach", "vm", "isolated:lab", "--mac", MAC), {"NET0=isolated:lab", f"NET0_MAC={MAC}"})])
def test_the_same_command_completes_it(host, words, wanted):
    """Killed at any moment, it leaves no half of a line, and a machine that the same command brings up to its file."""
    image = host.root / "image"
    image.write_bytes(bytes(1 << 20))
    words = [word.replace("IMAGE", str(image)) for word in words]
    wanted = {line.replace("IMAGE", str(image)) for line in wanted}
    for delay in range(20, 100, 20):
        before = host.write_firmware_vm("vm", CDROM0="").read_text()
        host.kvmctl("start", "vm")
        host.execute("timeout", "--signal=KILL", f"{delay / 1000}", host.binary, *words)
        assert lines(host) in (set(before.splitlines()), lines(host) | wanted)
        host.kvmctl(*words)
        assert wanted < lines(host)
        shown = host.show("vm")
        assert [nic["mac"] for nic in shown["nics"]] == ([MAC] if words[0] == "nic" else [])
        assert shown["media"] == ([] if words[0] == "nic" else [str(image)])
        assert "already" in host.kvmctl(*words).stdout
        host.kvmctl("restart", "--hard", "vm")
        assert host.show("vm")["media"] == shown["media"] and len(host.show("vm")["nics"]) == len(shown["nics"])
        host.kvmctl("stop", "--now", "vm")
    host.assert_nothing_left()


@pytest.mark.parametrize("count", [12, pytest.param(50, marks=pytest.mark.deep)])
def test_file_and_machine_agree(host, count):
    """After each of many changes, and after a restart."""
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    images = [host.vms / f"vm/image{n}" for n in range(4)]
    attached = {}

    def agree():
        named = dict(line.split("=") for line in lines(host) if line.startswith("DISK") and "_" not in line)
        assert {key: host.vms / "vm" / name for key, name in named.items()} == attached
        assert set(host.show("vm")["media"]) == {str(path) for path in attached.values()}

    for step in range(count):
        # Each image comes and goes, in an order that is always the same.
        image = images[step * 7 % 5 % 4]
        device = next((key for key, path in attached.items() if path == image), None)
        if device:
            host.kvmctl("disk", "detach", "vm", device, "--wait", "30s")
            del attached[device]
        else:
            [change] = host.json("disk", "attach", "vm", image, "--size", "1M")
            attached[change["device"]] = image
        agree()
    host.kvmctl("restart", "--hard", "vm")
    agree()
