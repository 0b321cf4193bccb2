"""A protected VM is neither removed nor cut off by accident; tags are reported."""

import json


def test_what_can_not_be_read_may_protect(host):
    host.write_firmware_vm("vm", PROTECT="yes")
    host.kvmctl("start", "vm")
    (host.run / "vms/vm/manifest.json").write_text("{")
    for words in ["reset"], ["nmi"], ["stop", "--now"]:
        assert "it is protected" in host.kvmctl(*words, "vm", expect=77).stderr
        assert "it is protected" in host.kvmctl(*words, "--all", expect=1).stderr
    host.kvmctl("reset", "--all", "--force")


def test_what_the_file_says_now_counts(host):
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    host.write_firmware_vm("vm", PROTECT="yes")
    refused = host.kvmctl("stop", "--now", "vm", expect=77).stderr
    assert f"{host.vms}/vm/vm.params:4: PROTECT" in refused and "--force" in refused
    host.kvmctl("stop", "--timeout", "0s", "vm", expect=77)
    host.kvmctl("stop", "--now", "--dry-run", "vm", expect=77)
    for words in (["reset"], ["nmi"], ["restart", "--hard"], ["restart", "--now"]):
        assert "it is protected" in host.kvmctl(*words, "vm", expect=77).stderr
    host.kvmctl("nmi", "--force", "vm")
    host.kvmctl("reset", "--force", "vm")
    host.kvmctl("suspend", "vm")
    for words in ([], ["--dry-run"]):
        assert "it is protected" in host.kvmctl("start", "vm", "--discard-suspended", *words, expect=77).stderr
    host.kvmctl("start", "vm")
    host.kvmctl("suspend", "vm")
    assert "is lost" in host.kvmctl("start", "vm", "--discard-suspended", "--force").stderr
    # What was not saved can't be lost.
    host.kvmctl("start", "vm", "--discard-suspended")
    assert host.state("vm") == "running" and host.show("vm")["protected"] is True
    host.write_firmware_vm("vm")
    host.kvmctl("stop", "--now", "vm")


def test_stop_asks_the_guest_of_a_protected_vm(host):
    host.write_tiny_vm("vm", PROTECT="yes")
    host.kvmctl("start", "vm")
    host.wait_console("vm", "tiny: up")
    assert "the guest shut down" in host.kvmctl("stop", "vm", timeout=90).stdout
    assert host.kvmctl("stop", "--now", "vm").stdout == "vm: not running\n"


def test_a_file_with_errors_unprotects_nothing(host):
    path = host.write_firmware_vm("vm", PROTECT="yes")
    host.kvmctl("start", "vm")
    path.write_text("MEMROY=1\n")
    assert "PROTECT=yes when it was started" in host.kvmctl("stop", "--now", "vm", expect=77).stderr
    path.unlink()
    host.kvmctl("stop", "--now", "vm", expect=77)
    host.kvmctl("stop", "--now", "--force", "vm")
    # Nor does one that was not protected when it was started.
    host.write_firmware_vm("vm")
    host.kvmctl("start", "vm")
    path.write_text("MEMROY=1\nPROTECT=yes\n")
    assert "has errors, and a line for PROTECT" in host.kvmctl("stop", "--now", "vm", expect=77).stderr


def test_rm_passes_over_the_protected(host):
    for name, protect in (("a", "no"), ("b", "yes"), ("c", "no")):
        host.write_firmware_vm(name, PROTECT=protect)
    said = host.kvmctl("rm", "--all", "--yes", expect=1)
    assert "b: it is protected" in said.stderr
    assert sorted(path.name for path in host.vms.iterdir()) == ["b"]
    [element] = json.loads(host.kvmctl("rm", "b", "--json", expect=77).stdout)
    assert element["error"]["code"] == 77
    host.kvmctl("rm", "b", "--force")
    assert not any(host.vms.iterdir())


def test_tags(host):
    host.write_firmware_vm("vm", TAGS="web,lab")
    host.write_firmware_vm("other")
    assert {vm["name"]: vm["tags"] for vm in host.json("list")} == {"vm": ["web", "lab"], "other": []}
    host.write_firmware_vm("third", TAGS="db,lab")
    def chosen(*words):
        return host.kvmctl("list", "-q", *words).stdout.split()
    assert chosen("--tag", "lab") == chosen("--tag", "web,db") == ["third", "vm"]
    assert chosen("--tag", "lab", "--tag", "db") == ["third"] and chosen("--tag", "l") == []
    assert chosen("--tag", "lab", "--state", "running") == []
    host.write_firmware_vm("sick", MEMORY="much", TAGS="lab")
    unknown = host.kvmctl("list", "--names", "--tag", "lab")
    assert unknown.stdout.split() == ["third", "vm"] and "sick: its tags are not known" in unknown.stderr
    assert "is not a tag" in host.kvmctl("list", "--tag", "a b", expect=64).stderr
    assert host.kvmctl("list", "-o", "name,tags", "vm", "other").stdout.split() == [
        "NAME", "TAGS", "vm", "web,lab", "other", "-"]
    host.kvmctl("start", "vm")
    assert host.show("vm")["tags"] == ["web", "lab"]
    assert "tags         web, lab\n" in host.kvmctl("show", "vm").stdout
