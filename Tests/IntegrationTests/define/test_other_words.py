"""The words of other tools, and what a command says besides its result."""

import json
import shutil


def test_words_of_other_tools_mean_what_they_mean_there(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    assert host.kvmctl("ps").stdout.split("\n")[1].startswith("vm")
    assert host.kvmctl("status", "vm").stdout.split()[:2] == host.kvmctl("info", "vm").stdout.split()[:2]
    assert host.kvmctl("reboot", "vm", "--dry-run").stdout.startswith("vm: would be stopped")
    would = host.kvmctl("destroy", "--dry-run", "vm")
    assert would.stdout == "vm: would be stopped: QEMU is told to quit; else it is killed\n"
    ended = host.kvmctl("destroy", "vm")
    assert ended.stdout == "vm: stopped; QEMU was told to quit\n"
    assert "files and disks stay" in ended.stderr
    assert (host.vms / "vm/vm.params").exists()
    assert host.kvmctl("shutdown", "vm").stdout == "vm: not running\n"
    assert json.loads(host.kvmctl("undefine", "vm", "--dry-run", "--json").stdout)[0]["dryRun"]
    host.kvmctl("delete", "vm")
    assert not (host.vms / "vm").exists()
    assert host.kvmctl("version").stdout == host.kvmctl("--version").stdout


def test_quiet_leaves_out_notices_but_no_error(host):
    host.write_firmware_vm("vm", VNCDISP=7)
    assert "no password" in host.kvmctl("start", "vm", "--dry-run").stderr
    assert host.kvmctl("start", "vm", "-q").stderr == ""
    assert host.kvmctl("destroy", "vm", "--quiet").stderr == ""
    assert host.kvmctl("start", "none", "--quiet", expect=66).stderr != ""


def test_a_notice_about_several_vms_is_said_once(host):
    for name in "abcdef":
        host.write_firmware_vm(name, ACCEL="tcg")
    host.kvmctl("start", "--all")
    host.kvmctl("suspend", "--all")
    said = host.kvmctl("start", *"abcdef", "--discard-suspended").stderr
    lost = "what it had in memory when it was suspended is lost, as if its power had been cut\n"
    assert said == f"kvmctl: a: {lost}kvmctl: b, c, d and 2 more: as a: {lost}"


def test_completion_offers_vms_in_the_right_state(host):
    host.write_firmware_vm("off")
    host.write_firmware_vm("on")
    host.kvmctl("start", "on")
    host.ip("link", "add", "br0", "type", "bridge")
    host.ip("link", "add", "up0", "type", "veth", "peer", "name", "up1")

    def offered(words, place):
        words = ["kvmctl", *words, ""]
        script = [host.binary, "---completion", *words[1:-1][:len(place[0])], "--", place[1],
                  str(len(words) - 1), "0", *words]
        return host.execute("env", "SAP_SHELL=bash", *script).stdout.split()

    host.write_firmware_vm("directory", NAME="other")
    assert offered(["start"], (["start"], "positional@0")) == ["off", "other"]
    shutil.rmtree(host.vms / "directory")
    assert offered(["stop"], (["stop"], "positional@0")) == ["on"]
    assert offered(["show"], (["show"], "positional@0")) == ["off", "on"]
    assert offered(["net", "down"], (["net", "down"], "positional@0")) == ["br0"]
    assert {"up0", "up1"} <= set(offered(["net", "up", "br1", "--uplink"], (["net", "up"], "--uplink")))
    keys = offered(["keys"], (["keys"], "positional@0"))
    assert {"MEMORY", "DISK0_SIZE"} <= set(keys)
    assert {"MEMORY=", "NET0_MAC="} <= set(offered(["create", "vm", "--set"], (["create"], "--set")))
    assert {"on", "off", "CPUS="} <= set(offered(["set", "on"], (["set"], "positional@0")))
    assert "CPUS=" not in offered(["set"], (["set"], "positional@0"))
    networks = offered(["create", "vm", "--net"], (["create"], "--net"))
    assert {"bridge:br0", "macvtap:up0", "user", "nat", "none"} <= set(networks)
