/// QEMU's verdict on a VM's `CPU`, on a machine of the VM's type.
package enum ProcessorFacts: Equatable, Sendable {
    /// It works, but without these features, which the accelerator does not have.
    case works(without: [String])
    /// There is no such model, but these.
    case unknownModel(among: [String])
    /// QEMU can't make it.
    case refused(ProcessorRefusal)
}

/// Why QEMU can't make a processor.
package enum ProcessorRefusal: Equatable, Sendable {
    /// The processor has no APIC, which PCI Express needs.
    case noAPIC
    /// QEMU does not know this flag.
    case unknownFlag(String)
    /// Something else, in QEMU's words.
    case other(String)
}

extension ProcessorRefusal {
    /// From QEMU's last line.
    package init(_ line: String) {
        if QEMUComplaint.noMSIX.isIn(line) {
            self = .noAPIC
        } else if let flag = Self.unknownFlag(line) {
            self = .unknownFlag(flag)
        } else {
            self = .other(line)
        }
    }

    /// The flag of `Property 'max-x86_64-cpu.foo' not found` (qom/object.c).
    private static func unknownFlag(_ line: String) -> String? {
        guard line.hasSuffix("' not found"), let property = line.split(separator: "'").dropLast().last,
            let dot = property.lastIndex(of: ".")
        else { return nil }
        return String(property[property.index(after: dot)...])
    }
}
