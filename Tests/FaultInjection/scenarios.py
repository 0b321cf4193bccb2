"""The commands that are made to fail: their initial state, and what they may leave behind."""

import subprocess

from rig.host import Host
from rig.process import in_namespace


class Scenario:
    """A command in a known state. `prepare` creates the state, `reset` removes whatever is there."""

    name = ""

    def host(self, binary):
        return Host(binary, guests=None)

    def prepare(self, host):
        raise NotImplementedError

    def reset(self, host):
        """Removes everything that one attempt left, so that the next one is not blamed for it."""
        for process in in_namespace(host.namespace):
            process.kill()
        for directory in [host.vms, host.run]:
            subprocess.run(["find", directory, "-mindepth", "1", "-delete"], check=True)

    def after_failure(self, host, code, err):
        """A complaint about the state after a call was refused; None if there is none."""
        raise NotImplementedError

    def after_kill(self, host):
        """The same after a kill, once the next command was run."""
        raise NotImplementedError

    # Looking at the host

    def says(self, host, *arguments):
        """Runs a command without a fault; its exit code, its stdout and its stderr."""
        result = host.execute(host.binary, *arguments)
        return result.returncode, result.stdout, result.stderr


class Create(Scenario):
    name = "create"

    def prepare(self, host):
        pass

    def arguments(self, host):
        return ["create", host.vms / "vm", "--disk", "1M", "--disk", "2M", "--net", "none", "--memory", "32"]

    def is_whole(self, host):
        return self.says(host, "check", host.vms / "vm" / "vm.params")[0] == 0

    def left(self, host):
        return sorted(path.name for path in host.vms.rglob("*"))

    def after_failure(self, host, code, err):
        if code == 0:
            return None if self.is_whole(host) else f"success, and there is {self.left(host)}"
        # Only the output could not be printed: the VM exists, and the message says so.
        if "it was done" in err:
            return None if self.is_whole(host) else f"not whole: {self.left(host)}"
        return f"left {self.left(host)}" if self.left(host) else None

    def after_kill(self, host):
        if (host.vms / "vm" / "vm.params").exists():
            return None if self.is_whole(host) else f"not whole: {self.left(host)}"
        code, _, err = self.says(host, *self.arguments(host))
        return None if code == 0 else f"the next create: {code} {err.strip()}, with {self.left(host)}"


class Start(Scenario):
    """With a new disk and a tap, so that there is something to roll back."""

    name = "start"

    def prepare(self, host):
        host.execute("ip", "link", "add", "br0", "type", "bridge")
        host.execute("ip", "link", "set", "br0", "up")
        host.write_firmware_vm("vm", NET0="bridge:br0", DISK0="disk", DISK0_SIZE="1M", ACCEL="tcg")

    def arguments(self, host):
        return ["start", "vm"]

    def after_failure(self, host, code, err):
        running = bool(host.qemus())
        if code == 0:
            return None if running else "success, and no QEMU runs"
        # A start that can no longer be rolled back goes on, and says so.
        if running:
            return None if "running" in err or "runs" in err else f"code {code}, and QEMU runs: {err.strip()}"
        return self.leftovers(host, disk=False)

    def leftovers(self, host, disk):
        if host.taps():
            return f"left {list(host.taps())}"
        if not disk and (host.vms / "vm" / "disk").exists():
            return "left the disk"
        return None

    def after_kill(self, host):
        self.says(host, "list")
        code, _, err = self.says(host, "start", "vm")
        if code != 0 or len(host.qemus()) != 1:
            return f"the next start: {code} {err.strip()}, {len(host.qemus())} QEMUs"
        code, _, err = self.says(host, "stop", "--now", "vm")
        if code != 0 or host.qemus():
            return f"stop: {code} {err.strip()}"
        return self.leftovers(host, disk=True)


class Stop(Start):
    name = "stop"

    def prepare(self, host):
        super().prepare(host)
        host.kvmctl("start", "vm")

    def arguments(self, host):
        return ["stop", "--timeout", "1s", "vm"]

    def after_failure(self, host, code, err):
        if code == 0 and host.qemus():
            return "success, and QEMU runs"
        return None if host.qemus() else self.leftovers(host, disk=True)

    def after_kill(self, host):
        self.says(host, "list")
        code, _, err = self.says(host, "stop", "--now", "vm")
        if code != 0 or host.qemus():
            return f"the next stop: {code} {err.strip()}"
        return self.leftovers(host, disk=True)


class Remove(Scenario):
    name = "rm"

    def prepare(self, host):
        host.write_firmware_vm("vm", DISK0="disk", ACCEL="tcg")
        with open(host.vms / "vm" / "disk", "wb") as disk:
            disk.truncate(1 << 20)
        logs = host.run / "log" / "vm"
        logs.mkdir(parents=True)
        (logs / "console.log").write_text("x")
        (host.run / "vms" / "vm").mkdir(parents=True)
        (host.run / "vms" / "vm" / "lock").touch()

    def arguments(self, host):
        return ["rm", "--disks", "vm"]

    def is_there(self, host):
        return (host.vms / "vm" / "vm.params").exists()

    def after_failure(self, host, code, err):
        if code == 0:
            left = [path for path in host.root.rglob("*") if "/vm/" in str(path)]
            # A disk stays if it can't be determined whether another VM uses it, and that is reported.
            is_said = all(f"kept {path}: " in err for path in left)
            return None if is_said else f"success, and there is {left}"
        # The command can be repeated.
        return self.again(host)

    def again(self, host):
        code, _, err = self.says(host, *self.arguments(host))
        expected = (0,) if self.is_there(host) else (0, 66)
        if code not in expected:
            return f"the next rm: {code} {err.strip()}"
        # An empty directory does no harm.
        left = [str(path) for path in host.vms.rglob("*") if not path.is_dir()]
        return f"left {left}" if left else None

    def after_kill(self, host):
        return self.again(host)


class Bridge(Scenario):
    """A bridge with an uplink that has an address and the default route."""

    def prepare(self, host):
        host.execute("sh", "-ec", """
            ip link add v0 type veth peer name v1
            ip link set v1 up
            ip address add 10.9.0.2/24 dev v0
            ip link set v0 up
            ip route add default via 10.9.0.1 dev v0""")

    def reset(self, host):
        for process in in_namespace(host.namespace):
            process.kill()
        subprocess.run(["find", host.run, "-mindepth", "1", "-delete"], check=True)
        for link in ["br0", "v0"]:
            host.execute("ip", "link", "delete", link)

    def shape(self, host):
        """Addresses, routes and ports, without the kernel's additions."""
        told = host.execute("sh", "-c", """
            ip -4 -o address | awk '{print $2, $4}'
            ip route | sed 's/ linkdown//'
            ip -o link show master br0 2>/dev/null | awk '{print "port", $2}'
            ip -o link show br0 2>/dev/null | awk '{print "bridge"}'""").stdout
        return sorted(told.splitlines())


class NetUp(Bridge):
    name = "net up"

    def prepare(self, host):
        super().prepare(host)
        self.before = self.shape(host)
        if not hasattr(self, "after"):
            host.kvmctl("net", "up", "br0", "--uplink", "v0")
            self.after = self.shape(host)
            host.kvmctl("net", "down", "br0")
            assert self.shape(host) == self.before

    def arguments(self, host):
        return ["net", "up", "br0", "--uplink", "v0"]

    def complaint(self, host, *allowed):
        now = self.shape(host)
        return None if now in allowed else f"neither as before nor done: {now}"

    def after_failure(self, host, code, err):
        # If only the output could not be printed, the change was made, and the message says so.
        is_done = code == 0 or "it was done" in err
        return self.complaint(host, self.after) if is_done else self.complaint(host, self.before)

    def after_kill(self, host):
        self.says(host, "list")
        return self.complaint(host, self.before, self.after)


class NetDown(NetUp):
    name = "net down"

    def prepare(self, host):
        super().prepare(host)
        host.kvmctl("net", "up", "br0", "--uplink", "v0")

    def arguments(self, host):
        return ["net", "down", "br0"]

    def after_failure(self, host, code, err):
        return self.complaint(host, self.before) if code == 0 else self.complaint(host, self.before, self.after)


SCENARIOS = [Create(), Start(), Stop(), Remove(), NetUp(), NetDown()]
