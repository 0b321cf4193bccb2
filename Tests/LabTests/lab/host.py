"""A lab host: a VM run by kvmctl that is itself a host of VMs, reached over SSH."""

import os
import shlex
import subprocess

from rig.process import Process
from rig.vm import Reports, params, tiny
from rig.waiting import wait_until

# How long an emulated host on a busy machine may take to boot. On an idle one it takes half a minute.
BOOT = 300


class LabHost(Reports):
    """Host `number` of a lab. Its commands run as root on it."""

    def __init__(self, lab, number):
        self.lab = lab
        self.number = number
        self.name = f"lab{number}"
        self.address = f"10.8.0.{10 + number}"

    def __repr__(self):
        return self.name

    # Starting and stopping it

    @property
    def state(self):
        return self._shown["state"]

    @property
    def _shown(self):
        return self.lab.show(self.name)

    def start(self):
        """Starts it and waits until it can be reached."""
        self.lab.kvmctl("start", self.name)
        self.wait_up()

    def stop(self):
        """Presses the power button and waits for its end."""
        self._disconnect()
        self.lab.kvmctl("stop", self.name, "--timeout", f"{BOOT}s", timeout=BOOT + 30)

    def cut_power(self):
        """Ends it as a power cut does: what its kernel had not written is lost."""
        pid = self._shown.get("pid")
        if pid is not None:
            Process(pid).kill()
        self._disconnect()

    def reboot(self):
        boot = self.boot_id()
        self.run("systemctl reboot", expect=None)
        self._disconnect()
        self.wait_up(after=boot)

    def wait_up(self, after=None):
        """Waits until it answers; with `after`, until it answers in a boot other than that."""
        def answer():
            try:
                return self.boot_id(timeout=60) not in (None, after)
            except subprocess.TimeoutExpired:
                return False

        wait_until(answer, lambda: f"answer of {self} over SSH; its console ends:\n{self.console()[-3000:]}", BOOT, interval=0.5)

    def boot_id(self, timeout=60):
        result = self.run("cat /proc/sys/kernel/random/boot_id", expect=None, timeout=timeout)
        return result.stdout.strip() if result.returncode == 0 else None

    def console(self):
        """What it has written to its serial console since its start."""
        return self.lab.kvmctl("logs", self.name).stdout

    # Commands on it

    def ssh(self, *options):
        """The command line that reaches it. The connection is kept: a handshake takes seconds under emulation."""
        image = self.lab.image
        return self.lab.wire.command(
            "ssh", "-i", image / "key", "-F", "none", "-o", f"UserKnownHostsFile={image / 'known_hosts'}", "-o", "LogLevel=ERROR",
            "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=15", "-o", f"ControlPath={self._control}",
            "-o", "ControlMaster=auto", "-o", "ControlPersist=1h", "-o", "BatchMode=yes", *options, f"root@{self.address}")

    @property
    def _control(self):
        return self.lab.directory / f"{self.name}.ssh"

    def _disconnect(self):
        subprocess.run(self.ssh("-O", "exit"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def run(self, script, expect=0, timeout=120, input=None):
        """Runs a shell script, which must exit with `expect`, unless that is None."""
        result = subprocess.run([*self.ssh(), script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout,
                                input=input, stdin=subprocess.DEVNULL if input is None else None)
        assert expect in (None, result.returncode), (
            f"{self}: {script}\nexited {result.returncode}, not {expect}\nstdout: {result.stdout}\nstderr: {result.stderr}")
        return result

    def start_running(self, script):
        """Starts a shell script and does not wait for it."""
        return subprocess.Popen([*self.ssh(), script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True)

    def kvmctl(self, *arguments, expect=0, timeout=120):
        return self.run(shlex.join(["kvmctl", *map(str, arguments)]), expect, timeout)

    # The interface that rig.terminal needs of a host: running a program on its own terminal.

    binary = "kvmctl"
    environment = os.environ

    def command(self, *arguments):
        return [*self.ssh("-tt"), shlex.join(map(str, arguments))]

    def write(self, path, text):
        self.run(f"mkdir -p $(dirname {shlex.quote(path)}) && cat >{shlex.quote(path)}", input=text)

    # The guests on it

    def write_tiny_vm(self, name, words="", directory="/vms", **keys):
        """Writes the vm.params of a VM that boots the tiny guest with these words for its init; returns its path."""
        # Each letter on the console of a nested guest costs an exit of the emulated KVM.
        lines = {**tiny("/lab/guests", f"console=ttyS0 quiet {words}"), **keys}
        path = f"{directory}/{name}/vm.params"
        self.write(path, params(lines))
        return path

    def states(self):
        """{name of a VM: its state}"""
        return {vm["name"]: vm["state"] for vm in self.json("list")}

    def wait_console(self, name, text, timeout=180):
        """Waits for `text` on a guest's serial console."""
        # Not `kvmctl logs`: it would take CPU time from the guest.
        script = f"until grep -qF {shlex.quote(text)} /var/log/kvmctl/{name}/console.log 2>/dev/null; do sleep 0.5; done"
        result = self.run(f"timeout {timeout} sh -c {shlex.quote(script)}", expect=None, timeout=timeout + 60)
        assert result.returncode == 0, (
            f"after {timeout} s, no {text!r} on the console of {name} on {self}, which ends:\n"
            f"{self.run(f'kvmctl logs {name}', expect=None).stdout[-3000:]}")
