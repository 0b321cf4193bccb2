import CLinux
import FoundationEssentials
import Glibc
import SystemPackage

/// Whether KVM runs stock guests here. Running a guest is the proof; the verdict holds until the next boot.
struct KVMProbe {
    let cache: ProbeCache

    /// How long a loop of a million steps may take: under a millisecond on bare metal, some ten in a nested guest.
    private static let deadlineMilliseconds: CInt = 1000

    /// - Parameter canOpen: whether QEMU's own user may open /dev/kvm.
    func verdict(canOpen: Bool) -> KVMVerdict {
        guard let device = try? status(of: "/dev/kvm") else {
            return .unusable(
                "this host has no /dev/kvm (no kvm_intel or kvm_amd loaded, or virtualization off in the BIOS)")
        }
        // A host whose only KVM is that of paravirtual guests: stock ones hang.
        if exists("kvm_pvm"), !exists("kvm_intel"), !exists("kvm_amd") {
            return .unusable("the only KVM of this host is kvm_pvm, which can't run stock guests")
        }
        guard canOpen else {
            let mode = String(device.st_mode & 0o777, radix: 8)
            return .unusable("/dev/kvm does not open for QEMU's user (mode \(mode), group \(device.st_gid))")
        }
        return cached { run() }
    }

    private func exists(_ module: String) -> Bool {
        (try? status(of: FilePath("/sys/module/\(module)"))).flatMap { $0 } != nil
    }

    private func run() -> KVMVerdict {
        let result = clinux_kvm_probe(Self.deadlineMilliseconds)
        if result >= 0 { return .works }
        return switch Errno(rawValue: CInt(-result)) {
        case .timedOut: .unusable("a test guest on /dev/kvm got nowhere in a second")
        case .execFormatError: .unusable("a test guest on /dev/kvm did not run as a processor would")
        case let error: .unusable("a test guest on /dev/kvm can't be run: \(error.description)")
        }
    }

    private func cached(_ probe: () -> KVMVerdict) -> KVMVerdict {
        let boot = (try? readFile("/proc/sys/kernel/random/boot_id", limit: 36)) ?? []
        let key = "kvm-\(String(decoding: boot, as: UTF8.self))"
        if let text = cache.read(key) {
            return text.isEmpty ? .works : .unusable(String(decoding: text, as: UTF8.self))
        }
        let verdict = probe()
        let text = if case .unusable(let reason) = verdict { reason } else { "" }
        cache.write(key, Array(text.utf8))
        return verdict
    }
}
