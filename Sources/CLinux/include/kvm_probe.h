#pragma once

#include <stdint.h>

/// Runs a short 64-bit loop on a bare virtual CPU, like a stock guest's first instructions, and times it.
///
/// A /dev/kvm that opens does not mean that KVM works: on some hosts the only KVM runs just guests built for it.
/// Returns the time in nanoseconds; -ETIMEDOUT if the guest did not finish within `deadline_ms`; -ENOEXEC if it left
/// the loop in an unexpected way; else -errno of the step that failed (Documentation/virt/kvm/api.rst).
int64_t clinux_kvm_probe(int deadline_ms);
