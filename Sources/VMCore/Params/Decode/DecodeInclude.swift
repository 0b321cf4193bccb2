import SystemPackage

extension ParamsDecoder {
    /// `INCLUDE` of the file itself. Whoever read the file has read those that are included too.
    mutating func decodeInclude() -> Setting<FilePath>? {
        guard mentions(.include) else { return nil }
        let include = path(.include)
        if let last = sources.last?.include {
            // Nothing that a file says is ever ignored silently.
            var fault = Fault(
                kind: .unavailable, line: last.origin.lineNumber ?? 1,
                message: "INCLUDE: \(last.value) was not read, as no file is included here", hint: Self.withoutIt)
            fault.source = sources.count - 1
            log.add(fault)
        }
        return include
    }
}

extension ParamsKey {
    /// Whether an empty value says something.
    package var mayBeEmpty: Bool { self == .append || self == .cdrom }

    /// Whether two VMs with the same value would be in each other's way.
    var isOneVMs: Bool {
        switch self {
        case .name, .uuid, .mac, .netMAC, .cloudInitHostname: true
        default: false
        }
    }
}
