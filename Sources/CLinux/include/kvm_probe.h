#pragma once

#include <stdint.h>

/// Runs a short 64-bit loop in a bare virtual CPU, as a stock guest's first instructions would, and times it.
///
/// A /dev/kvm that opens is not yet KVM that runs: some hosts' only KVM serves guests made for it. The answer is the
/// time in nanoseconds; -ETIMEDOUT where the guest got nowhere in `deadline_ms`; -ENOEXEC where it left the loop by
/// another door than its own; else -errno of the step that failed (Documentation/virt/kvm/api.rst).
int64_t clinux_kvm_probe(int deadline_ms);
