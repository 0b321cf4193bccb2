"""The serial console on a real terminal."""

from rig.terminal import console


def test_type_and_leave(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    with console(host, "vm") as terminal:
        terminal.sendline("echo $((6 * 7)) is the answer")
        terminal.expect("42 is the answer")
    # The guest goes on, and the next visitor finds the line free.
    with console(host, "vm") as terminal:
        terminal.sendline("echo $((7 * 7)) is another")
        terminal.expect("49 is another")


def test_output_is_logged_meanwhile(host):
    host.write_tiny_vm("vm")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    with console(host, "vm") as terminal:
        terminal.sendline("echo logged-$((6 * 7))")
        terminal.expect("logged-42")
    assert "logged-42" in host.kvmctl("logs", "vm").stdout


def test_a_silent_line_gets_the_hint(host):
    host.write_firmware_vm("silent")
    host.kvmctl("start", "silent")
    with console(host, "silent") as terminal:
        terminal.expect("console=ttyS0", timeout=20)


def test_console_of_a_stopped_vm(host):
    host.write_firmware_vm("vm")
    result = host.kvmctl("console", "vm", expect=75)
    assert "kvmctl start" in result.stderr
