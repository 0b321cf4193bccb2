"""VMs as systemd services: kvmctl@NAME.service, through the host's own shutdown and boot."""

import pytest

from rig.waiting import wait_until


@pytest.fixture
def host(lab_host):
    """Lab host 1, from which a test's VMs and units are removed afterwards."""
    yield lab_host
    lab_host.run("""
        kvmctl stop --all --now
        systemctl disable --now kvmctl-guests $(ls /vms | sed 's/^/kvmctl@/')
        kvmctl rm $(ls /vms)
        rm -rf /vms/* /etc/systemd/system/kvmctl@*.d
        systemctl daemon-reload
        systemctl reset-failed""", expect=None)


def unit(host, name, *properties):
    """These properties of a VM's unit, as systemd reports them."""
    shown = host.run(f"systemctl show -p {','.join(properties)} kvmctl@{name}").stdout
    values = dict(line.split("=", 1) for line in shown.splitlines())
    return [values[key] for key in properties]


def wait_unit(host, name, state):
    def journal():
        return host.run(f"systemctl status --no-pager --lines=30 kvmctl@{name}", expect=None).stdout

    wait_until(lambda: unit(host, name, "ActiveState") == [state],
               lambda: f"{state} kvmctl@{name}, of which systemd says:\n{journal()}", timeout=180, interval=1)


def wait_running(host, name):
    # On a busy machine a QEMU that runs may take longer to answer than `list` waits.
    wait_until(lambda: host.states()[name] == "running", lambda: f"running {name}: {host.states()}", timeout=120, interval=1)


def journal(host, name, boot=0):
    return host.run(f"journalctl --no-pager -o cat -b {boot} -u kvmctl@{name}").stdout


def start_three_ways(host):
    """One by its enabled unit; one by hand in a session; one that ignores the power button, by a unit that gives it 10 s."""
    host.write_tiny_vm("web")
    host.write_tiny_vm("hand")
    write_firmware_vm(host, "deaf")
    host.write("/etc/systemd/system/kvmctl@deaf.service.d/patience.conf",
               "[Service]\nExecStop=\nExecStop=/usr/local/bin/kvmctl stop --timeout 10s -- %i\n")
    host.run("systemctl daemon-reload && systemctl enable --now kvmctl-guests kvmctl@web && systemctl start kvmctl@deaf",
             timeout=300)
    host.kvmctl("start", "hand")
    for name in ("web", "hand"):
        host.wait_console(name, "tiny: up", timeout=400)


def write_firmware_vm(host, name, **keys):
    """A VM that gets no further than its firmware, so it ignores the power button."""
    lines = {"MEMORY": 64, "NET0": "none", "VNCDISP": "none", **keys}
    host.write(f"/vms/{name}/vm.params", "".join(f"{key}={value}\n" for key, value in lines.items()))


def assert_shut_down_by_itself(name, console):
    assert "tiny: power button" in console and "Power down" in console, (
        f"the guest of {name} was not shut down with the host; its console ends:\n{console[-2000:]}")


def test_guests_shut_down_with_the_host_and_come_back_with_it(host):
    start_three_ways(host)
    pid, state = unit(host, "web", "MainPID", "ActiveState")
    assert state == "active"
    process = host.run(f"readlink /proc/{pid}/exe; grep -E '^(Uid|CapEff|CapBnd):' /proc/{pid}/status").stdout.split()
    assert "/qemu-system-" in process[0], f"the unit's main process is {process[0]}"
    assert process[2] not in ("0", "1000"), f"QEMU runs as uid {process[2]}"
    assert process[process.index("CapEff:") + 1] == process[process.index("CapBnd:") + 1] == "0" * 16
    # Else the shutdown would prove nothing about VMs without a unit.
    assert "/session-" in host.run(f"cat /proc/{host.show('hand')['pid']}/cgroup").stdout

    host.reboot()
    wait_unit(host, "web", "active")
    wait_running(host, "web")
    assert host.show("web")["accelerator"] == "kvm", "it was started before the host had KVM"
    states = host.states()
    assert (states["hand"], states["deaf"]) == ("stopped", "stopped"), states
    assert_shut_down_by_itself("web", host.kvmctl("logs", "web", "--previous").stdout)
    assert_shut_down_by_itself("hand", host.kvmctl("logs", "hand").stdout)
    told = journal(host, "deaf", boot=-1)
    assert "the guest did not shut down in 10s; QEMU was told to quit" in told, told

    # The guest has to see the button again, now because its unit is stopped by hand.
    host.wait_console("web", "tiny: up", timeout=400)
    host.run("systemctl stop kvmctl@web", timeout=180)
    assert unit(host, "web", "ActiveState", "Result") == ["inactive", "success"]
    assert_shut_down_by_itself("web", host.kvmctl("logs", "web").stdout)


def test_a_guest_that_shuts_itself_down_stays_down(host):
    host.write_tiny_vm("brief", "tiny.poweroff")
    host.run("systemctl start kvmctl@brief", timeout=240)
    wait_unit(host, "brief", "inactive")
    assert unit(host, "brief", "Result", "NRestarts") == ["success", "0"], journal(host, "brief")
    assert host.states()["brief"] == "stopped"


def test_qemu_that_is_killed_stays_down_and_one_that_crashes_is_started_again(host):
    write_firmware_vm(host, "firm")
    host.run("systemctl start kvmctl@firm", timeout=240)
    [pid] = unit(host, "firm", "MainPID")
    host.run(f"kill -SEGV {pid}")

    def restarted():
        new, state = unit(host, "firm", "MainPID", "ActiveState")
        return state == "active" and new not in ("0", pid) and new

    again = wait_until(restarted, lambda: f"restart of the VM:\n{journal(host, 'firm')}", timeout=180, interval=1)
    assert unit(host, "firm", "NRestarts") == ["1"]
    # systemd alone saw the signal.
    assert "crashed: QEMU was killed by SIGSEGV" in host.kvmctl("history", "firm").stdout

    host.run(f"kill -KILL {again}")
    wait_unit(host, "firm", "failed")
    assert unit(host, "firm", "Result", "NRestarts") == ["signal", "1"]
    assert host.states()["firm"] == "crashed"
    # It can be started again by hand.
    host.run("systemctl start kvmctl@firm", timeout=240)
    wait_running(host, "firm")


def test_the_order_of_units_and_their_limits(host):
    write_firmware_vm(host, "db")
    write_firmware_vm(host, "web", START_AFTER="db", LIMIT_CPU="50%")
    host.kvmctl("enable", "db", "web")
    host.run("systemctl start kvmctl@web kvmctl@db", timeout=300)
    begun = [int(unit(host, name, "ActiveEnterTimestampMonotonic")[0]) for name in ("db", "web")]
    assert begun[0] < begun[1]
    assert unit(host, "web", "CPUQuotaPerSecUSec") == ["500ms"]
    host.kvmctl("disable", "--now", "web")
    assert unit(host, "web", "ActiveState", "UnitFileState") == ["inactive", "disabled"]


def test_units_share_nat_and_the_last_one_takes_it_away(host):
    for name in ("one", "two"):
        write_firmware_vm(host, name, NET0="nat")
    host.run("systemctl start kvmctl@one kvmctl@two", timeout=300)
    # The first of the two commands started it; it has to outlive that command.
    [server] = host.run("pgrep -x dnsmasq").stdout.split()
    for first, left in (("one", "two"), ("two", "one")):
        [pid] = unit(host, first, "MainPID")
        host.run(f"kill -KILL {pid}")
        wait_unit(host, first, "failed")
        assert host.run("pgrep -x dnsmasq").stdout.split() == [server]
        host.run(f"systemctl reset-failed kvmctl@{first} && systemctl start kvmctl@{first}", timeout=240)
        assert host.states() == {first: "running", left: "running"}
    host.kvmctl("stop", "one", "two", "--now")
    for name in ("one", "two"):
        wait_unit(host, name, "inactive")
    assert host.run("pgrep -x dnsmasq; nft list tables; ip -br link show type bridge", expect=None).stdout == ""


def test_logs_are_bounded_where_nobody_comes_by(host):
    write_firmware_vm(host, "firm")
    host.kvmctl("start", "firm")
    log = "/var/log/kvmctl/firm/console.log"
    for _ in range(2):
        # Appended as QEMU would: from here on only systemd runs kvmctl commands.
        host.run(f"head -c 20M /dev/zero | tr '\\0' x >>{log}; echo last >>{log}")

        def size():
            return int(host.run(f"stat -c %s {log}").stdout)

        wait_until(lambda: size() <= 16 << 20, lambda: f"cut of a log of {size()} bytes", timeout=120, interval=2)
        assert host.run(f"tail -c 5 {log}").stdout == "last\n"
    # The journal gets no entry if there is nothing to report.
    assert host.run("journalctl --no-pager -o cat -u kvmctl-logs.service").stdout.strip() in ("", "-- No entries --")


def test_unit_fails_to_start_where_qemu_refuses(host):
    write_firmware_vm(host, "refused", QEMUARG0="-device", QEMUARG1="no-such-device")
    assert host.run("systemctl start kvmctl@refused", expect=None, timeout=240).returncode == 1
    assert "no-such-device" in journal(host, "refused")
    host.run("systemctl stop kvmctl@refused")
