"""`--json` prints what docs/json.md documents, key by key."""

import json
import re
from pathlib import Path

import pytest

from rig.documented import DOCUMENT, assert_documented, documented

ONLY_SHOW = (
    "disks", "shares", "kernel", "initrd", "append", "cloudInit", "uid", "cpuTime", "memoryInUse", "autostart", "startAfter", "autostartDelay", "adopted", "suspension", "consoleLog", "qemuLog", "record",
    "crashRecord", "crash", "guest", "qmpSocket", "serialSocket", "agentSocket")


def test_life_of_a_vm(bridged_host):
    host = bridged_host
    created = host.json("create", host.vms / "vm", "--memory", "32", "--disk", "1M", "--dry-run")
    assert_documented([created])
    assert created["dryRun"] is True and not (host.vms / "vm").exists()
    created = host.json("create", host.vms / "vm", "--memory", "32", "--disk", "1M")
    assert created["dryRun"] is False and created["disks"] == [
        {"path": f"{host.vms}/vm/vdisk0", "size": 1 << 20, "format": "raw", "image": None, "overlay": False}]

    assert_documented(host.json("list"), without=ONLY_SHOW)
    assert_documented(host.json("check", "vm"))
    assert_documented(host.json("explain", "vm"))
    assert_documented(host.json("keys"))
    [plan] = host.json("start", "vm", "--dry-run")
    assert_documented([plan])
    assert plan["dryRun"] is True
    [started] = host.json("start", "vm", "--timings")
    assert_documented([started])
    shown = host.show("vm")
    assert {key: started[key] for key in ("pid", "vnc", "nics")} == {key: shown[key] for key in ("pid", "vnc", "nics")}
    del started["timings"]
    assert host.json("start", "vm") == [{**started, "result": "alreadyRunning"}]
    assert_documented(host.json("show", "vm"))

    [planned] = host.json("stop", "vm", "--now", "--dry-run")
    assert_documented([planned])
    assert (planned["dryRun"], planned["rungs"], planned["result"]) == (True, ["quit", "killed"], None)
    assert host.show("vm")["state"] == "running"
    [stopped] = host.json("stop", "vm", "--now")
    assert stopped == {**planned, "dryRun": False, "result": "quit"}
    [stopped] = host.json("stop", "vm")
    assert (stopped["rungs"], stopped["result"]) == ([], "alreadyStopped")

    [planned] = host.json("rm", "vm", "--disks", "--dry-run")
    assert_documented([planned])
    assert planned["dryRun"] is True and all(Path(path).exists() for path in planned["removed"])
    [removed] = host.json("rm", "vm", "--disks")
    assert removed == {**planned, "dryRun": False} and not (host.vms / "vm").exists()


def test_description(host):
    """A running VM is described as it was started. What could drive a terminal is refused."""
    text = 'web server of the lab, "$(reboot)", caf\u00e9'
    host.write_firmware_vm("vm", DESCRIPTION=f"'{text}'")
    assert host.show("vm")["description"] == text
    host.kvmctl("start", "vm")
    host.write_firmware_vm("vm", DESCRIPTION="later")
    assert [vm["description"] for vm in host.json("list")] == [text]
    assert f"description  {text}\n" in host.kvmctl("show", "vm").stdout
    host.kvmctl("stop", "vm", "--now")
    host.write_firmware_vm("other")
    assert {vm["name"]: vm["description"] for vm in host.json("list")} == {"vm": "later", "other": None}
    host.write_firmware_vm("vm", DESCRIPTION="'a\x1b[31mb'")
    assert "DESCRIPTION" in host.kvmctl("check", "vm", expect=65).stderr


def test_bridges(host):
    assert host.json("net", "show") == []
    planned = host.json("net", "up", "br0", "--dry-run")
    assert_documented([planned])
    assert planned["dryRun"] is True and planned["steps"] and "br0" not in host.links()
    made = host.json("net", "up", "br0")
    assert made == {**planned, "dryRun": False}
    assert host.json("net", "up", "br0")["steps"] == []
    assert_documented(host.json("net", "show"))
    assert_documented([host.json("net", "down", "br0")])
    assert "br0" not in host.links()


def test_doctor(host):
    host.write_firmware_vm("vm", NET0="bridge:br9")
    found = json.loads(host.kvmctl("doctor", "--json", expect=69).stdout)
    assert_documented(found)
    [problem] = [one for one in found if one["severity"] == "problem"]
    assert (problem["subject"], problem["command"], problem["step"]) == ("vm", "kvmctl net up br9", None)


def test_a_failure_among_several(host):
    host.write_firmware_vm("good")
    host.write_vm("bad", "MEMORY=0")
    result = host.kvmctl("check", "--all", "--json", expect=1)
    found = json.loads(result.stdout)
    assert {one["name"]: one["ok"] for one in found} == {"good": True, "bad": False}
    assert_documented([one for one in found if one["ok"]])


def failures():
    """The keys of a VM for which a command failed."""
    section = re.split(r"^## ", DOCUMENT.read_text(), flags=re.MULTILINE)[1]
    assert section.startswith("Failures")
    return set(re.findall(r"^\| `(\w+)`", section, flags=re.MULTILINE))


@pytest.mark.parametrize("command", [
    ["start"], ["start", "--dry-run"], ["stop", "--now"], ["restart", "--hard"], ["reset"], ["nmi"], ["pause"], ["resume"],
    ["suspend"], ["freeze"], ["thaw"], ["fstrim"], ["show"], ["check"], ["diff"], ["set", "CPUS=1"], ["adopt"], ["ip"], ["rm"],
    ["wait", "--for", "running"],
    ["rm", "--dry-run"]])
def test_no_vm_is_left_out(host, command):
    """Of several or of one, in the order given."""
    host.write_firmware_vm("good", ACCEL="tcg")
    host.kvmctl("start", "good")
    words = ["nope", "good", "./none/", "bad name"]
    done = host.execute(host.binary, *command, *words, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1 and [one["name"] for one in found] == words
    codes = [one.get("error", {}).get("code") for one in found]
    assert codes[0] == 66 and codes[2] == 66 and codes[3] == 64
    for one in found:
        if "error" in one:
            assert failures() <= set(one) <= failures() | documented()[one["schema"]] | {"schema"}
            assert one["error"]["message"] in done.stderr.replace("kvmctl: ", "")
    [only] = json.loads(host.kvmctl(*command, "nope", "--json", expect=66).stdout)
    assert only == found[0]
    host.kvmctl("stop", "good", "--now")


def test_what_is_known_of_a_vm_that_failed(host):
    params = host.write_vm("bad", "MEMORY=0")
    [checked] = json.loads(host.kvmctl("check", "--all", "--json", expect=1).stdout)
    assert (checked["name"], checked["params"], checked["ok"]) == ("bad", str(params), False)
    assert checked["messages"] == [checked["error"]["message"]]
    [shown] = host.json("show", "bad")
    assert "error" not in shown and shown["fault"]
    host.write_firmware_vm("vm", ACCEL="tcg", NET0="user")
    host.kvmctl("start", "vm")
    [asked] = json.loads(host.kvmctl("ip", "vm", "--json", expect=69).stdout)
    assert asked["error"]["code"] == 69 and asked["nics"][0]["network"] == "user"
    host.kvmctl("stop", "vm", "--now")
