"""Many commands at the same instant."""

import re

STARTS = 200
VMS = 30


def finish(starts):
    """The (exit code, standard output) of each, when all have ended."""
    results = []
    for start in starts:
        output, errors = start.communicate(timeout=120)
        assert start.returncode == 0, errors
        results.append(output)
    return results


def test_200_starts_of_one_vm_leave_one_qemu(bridged_host):
    host = bridged_host
    host.write_firmware_vm("vm", NET0="bridge:br0")
    # Files of an earlier run must not be taken for this run's.
    host.kvmctl("start", "vm")
    host.kvmctl("stop", "vm", "--now")
    outputs = finish([host.popen(host.binary, "start", "vm") for _ in range(STARTS)])
    assert sum("vm: started" in output for output in outputs) == 1
    assert sum("vm: already running" in output for output in outputs) == STARTS - 1
    pids = {int(pid) for output in outputs for pid in re.findall(r"pid (\d+)", output)}
    assert pids <= {host.qemu().pid}
    assert len(host.taps()) == 1


def test_30_vms_on_one_bridge(bridged_host):
    host = bridged_host
    names = [f"vm{number}" for number in range(VMS)]
    for name in names:
        host.write_firmware_vm(name, MEMORY=16, NET0="bridge:br0")
    finish([host.popen(host.binary, "start", name) for name in names])

    listed = host.json("list")
    assert {vm["name"]: vm["state"] for vm in listed} == {name: "running" for name in names}
    assert len(host.qemus()) == VMS

    nics = [host.show(name)["nics"][0] for name in names]
    assert len({nic["mac"] for nic in nics}) == VMS
    taps = host.taps()
    assert {nic["tap"] for nic in nics} == set(taps)
    assert {tap["master"] for tap in taps.values()} == {"br0"}
    assert {tap["ifalias"] for tap in taps.values()} == set(names)

    host.kvmctl("stop", "--now", *names, timeout=120)
    host.assert_nothing_left()
