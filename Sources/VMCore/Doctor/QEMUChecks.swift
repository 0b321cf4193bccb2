/// QEMU.
enum QEMUChecks {
    static func all(_ facts: DoctorFacts) -> [Finding] {
        switch facts.host.qemu {
        case .failure(let error): return [Finding(error, of: "QEMU")]
        case .success(let qemu):
            var extras = ["\(qemu.machines.count) machine types"]
            if qemu.ioUring {
                extras.append(facts.host.ioUring ? "io_uring" : "disks use threads, as io_uring is off here")
            }
            return [.ok("QEMU", "\(qemu.version) at \(qemu.path): \(extras.joined(separator: ", "))")]
        }
    }
}
