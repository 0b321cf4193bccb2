"""Real KVM: what kvmctl does where it works."""


def test_auto_chooses_kvm(lab_host):
    lab_host.write_tiny_vm("auto")
    lab_host.kvmctl("start", "auto")
    lab_host.wait_console("auto", "tiny: up")
    assert lab_host.show("auto")["accelerator"] == "kvm"
    lab_host.kvmctl("stop", "auto")
    lab_host.kvmctl("rm", "auto")
