"""The commands that are made to fail: their initial state, and what they may leave behind."""

import subprocess
import time

from rig.host import Host
from rig.process import in_namespace


class Scenario:
    """A command in a known state. `prepare` creates the state, `reset` removes whatever is there."""

    name = ""
    # The command's exit code without a fault.
    expected = 0

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


class CreateOfImage(Create):
    """An overlay, and the files of a seed."""

    name = "create-image"

    def prepare(self, host):
        images = host.root / "images"
        images.mkdir(exist_ok=True)
        (images / "base.raw").write_bytes(bytes(1 << 20))
        (host.root / "data").write_text("#cloud-config\n")

    def arguments(self, host):
        return ["create", host.vms / "vm", "--image", "base", "--disk", "2M", "--user-data", host.root / "data",
                "--net", "none", "--memory", "32"]


class CreateOfCopy(CreateOfImage):
    """A copy, made larger."""

    name = "create-copy"

    def prepare(self, host):
        super().prepare(host)
        (host.root / "images" / "base.raw").write_bytes(bytes(range(256)) * 4096)

    def arguments(self, host):
        return [*super().arguments(host), "--copy"]


class CreateLab(Create):
    """Two VMs of a template: both, or none."""

    name = "create-lab"

    def prepare(self, host):
        template = host.root / "t"
        template.mkdir(exist_ok=True)
        (template / "vm.params").write_text("TEMPLATE=yes\nMEMORY=32\nNET0=none\nDISK0=vdisk0\n")
        (template / "vdisk0").write_bytes(bytes(1 << 20))

    def arguments(self, host):
        return ["create", host.vms / "v%d", "--from", host.root / "t", "--count", "2"]

    def made(self, host):
        return [name for name in ("v1", "v2") if (host.vms / name / "vm.params").exists()]

    def is_whole(self, host):
        return all(self.says(host, "check", host.vms / name)[0] == 0 for name in ("v1", "v2"))

    def after_kill(self, host):
        made = self.made(host)
        if len(made) == 2:
            return None if self.is_whole(host) else f"not whole: {self.left(host)}"
        code, _, err = self.says(host, *self.arguments(host))
        if not made:
            return None if code == 0 else f"the next create: {code} {err.strip()}, with {self.left(host)}"
        # Between the two last names.
        named = code == 73 and "v1" in err and self.says(host, "check", host.vms / "v1")[0] == 0
        return None if named else f"the next create: {code} {err.strip()}, with {self.left(host)}"


class ImageImport(Scenario):
    name = "image-import"

    def prepare(self, host):
        (host.root / "base.raw").write_bytes(b"x" * (1 << 20))
        (host.root / "images").mkdir(exist_ok=True)

    def reset(self, host):
        super().reset(host)
        subprocess.run(["find", host.root / "images", "-mindepth", "1", "-delete"], check=True)

    def arguments(self, host):
        return ["image", "import", host.root / "base.raw"]

    def is_whole(self, host):
        return self.says(host, "image", "verify", "base")[0] == 0

    def left(self, host):
        return sorted(path.name for path in (host.root / "images").iterdir())

    def after_failure(self, host, code, err):
        if code == 0 or "it was done" in err:
            return None if self.is_whole(host) else f"code {code}, and there is {self.left(host)}"
        return f"left {self.left(host)}" if self.left(host) else None

    def after_kill(self, host):
        if (host.root / "images" / "base.raw").exists():
            return None if self.is_whole(host) else f"not whole: {self.left(host)}"
        code, _, err = self.says(host, *self.arguments(host))
        return None if code == 0 else f"the next import: {code} {err.strip()}, with {self.left(host)}"


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


class RunOnce(Start):
    """A VM that never gets as far as its command, of which nothing may be left."""

    name = "run"
    expected = 124

    def arguments(self, host):
        return ["run", "vm", "--timeout", "1s", "--", "true"]

    def after_failure(self, host, code, err):
        if code == 0:
            return "success, and nothing was run"
        # What could not be removed is removed by the next command.
        return self.after_kill(host)

    def after_kill(self, host):
        self.says(host, "list")
        for process in host.qemus():
            process.wait_for_end(10)
        self.says(host, "list")
        left = [
            path.name for place in ("ephemeral", "vms", "log") for path in (host.run / place).glob("run-*")]
        return f"left {left}" if left else self.leftovers(host, disk=False)


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


class Shared(Start):
    """With a server of a directory, which must end with the VM, or with the start that failed."""

    name = "start with SHARE0"

    def prepare(self, host):
        (host.vms / "vm" / "data").mkdir(parents=True)
        host.write_firmware_vm("vm", SHARE0="data:data", NET0="none", ACCEL="tcg")

    def leftovers(self, host, disk):
        # A server ends once it has seen that nobody is there any longer.
        for _ in range(40):
            left = [process for process in in_namespace(host.namespace) if "virtiofsd" in (process.executable or "")]
            if not left:
                return None
            time.sleep(0.05)
        return f"left {left}"


class Suspend(Scenario):
    """The guest goes on, now or at the next start."""

    name = "suspend"

    def prepare(self, host):
        host.write_firmware_vm("vm", DISK0="disk", DISK0_SIZE="1M", NET0="none", ACCEL="tcg")
        host.kvmctl("start", "vm")

    def arguments(self, host):
        return ["suspend", "vm"]

    def after_failure(self, host, code, err):
        state = host.state("vm")
        if code == 0:
            return None if state == "suspended" else f"success, and it is {state}"
        if state == "running":
            left = [path.name for path in (host.vms / "vm").iterdir() if path.name not in ("vm.params", "disk")]
            # What was saved is removed by the next command that changes the VM, if it could not be at once.
            return f"left {left}, silently" if left and "state" not in err else None
        return self.after_kill(host) if state in ("suspended", "paused") else f"code {code}, and it is {state}: {err.strip()}"

    def after_kill(self, host):
        self.says(host, "list")
        code, _, err = self.says(host, "suspend", "vm")
        if code != 0 or host.state("vm") != "suspended":
            return f"the next suspend: {code} {err.strip()}, and it is {host.state('vm')}"
        code, out, err = self.says(host, "start", "vm")
        return None if code == 0 and "goes on" in out else f"the next start: {code} {out.strip()} {err.strip()}"


class Set(Scenario):
    """The file is as it was or as it shall be, and the machine agrees with it."""

    name = "set"

    def prepare(self, host):
        host.write_firmware_vm("vm", NET0="none", ACCEL="tcg", DESCRIPTION="old", MEMORY="64M")
        host.kvmctl("start", "vm")
        self.before = (host.vms / "vm" / "vm.params").read_text()

    def arguments(self, host):
        return ["set", "vm", "DESCRIPTION=new", "MEMORY=48M"]

    def text(self, host):
        return (host.vms / "vm" / "vm.params").read_text()

    def is_done(self, host):
        return "DESCRIPTION=new" in self.text(host) and "MEMORY=48M" in self.text(host)

    def left(self, host):
        return [path.name for path in (host.vms / "vm").iterdir() if path.name != "vm.params"]

    def after_failure(self, host, code, err):
        if self.left(host):
            return f"left {self.left(host)}"
        if code == 0 or "it was done" in err:
            return None if self.is_done(host) else f"success, and the file is {self.text(host)}"
        return None if self.text(host) == self.before else f"code {code}, and the file was changed: {err.strip()}"

    def after_kill(self, host):
        if self.text(host) != self.before and not self.is_done(host):
            return f"half changed: {self.text(host)}"
        code, _, err = self.says(host, *self.arguments(host))
        return None if code == 0 and self.is_done(host) else f"the next set: {code} {err.strip()}"


class Adopt(Scenario):
    """A QEMU that runs on, whatever happens, and becomes a VM at once or at the next try."""

    name = "adopt"

    def prepare(self, host):
        monitor = host.root / "qmp.sock"
        monitor.unlink(missing_ok=True)
        self.qemu = host.popen(
            "qemu-system-x86_64", "-accel", "tcg", "-m", "32", "-display", "none", "-nic", "none",
            "-qmp", f"unix:{monitor},server=on,wait=off")
        while not monitor.exists():
            time.sleep(0.01)

    def arguments(self, host):
        return ["adopt", self.qemu.pid, "vm"]

    def reset(self, host):
        super().reset(host)
        self.qemu.wait()

    def after_failure(self, host, code, err):
        if self.qemu.poll() is not None:
            return "QEMU ended"
        if code == 0 or "it was done" in err:
            return None if host.state("vm") == "running" else f"success, and it is {host.state('vm')}"
        return self.after_kill(host)

    def after_kill(self, host):
        if self.qemu.poll() is not None:
            return "QEMU ended"
        code, out, _ = self.says(host, "list", "-o", "name,state")
        if code == 0 and ["vm", "running"] not in [line.split() for line in out.splitlines()]:
            # A file that was written is in the way, and the message says so.
            (host.vms / "vm" / "vm.params").unlink(missing_ok=True)
            code, _, err = self.says(host, *self.arguments(host))
            if code != 0:
                return f"the next adopt: {code} {err.strip()}"
        code, _, err = self.says(host, "stop", "--now", "vm")
        return None if code == 0 and self.qemu.wait() is not None else f"stop: {code} {err.strip()}"


SCENARIOS = [
    Create(), CreateOfImage(), CreateOfCopy(), CreateLab(), ImageImport(), Start(), RunOnce(), Shared(), Stop(), Remove(), Suspend(), Set(), Adopt(),
    NetUp(), NetDown(),
]
