// What a QEMU that kvmctl did not start is asked (QEMU, docs/interop/qemu-qmp-ref), by what it returns.

extension QMPRequest<String> {
    /// The name of its board, in its version: `pc-i440fx-7.2`.
    package static var board: Self {
        .init("qom-get", ["path": "/machine", "property": "type"]) { answer in
            let suffix = "-machine"
            return answer.string.flatMap { $0.hasSuffix(suffix) ? String($0.dropLast(suffix.count)) : nil }
        }
    }
}

extension QMPRequest<Bool> {
    /// Whether it runs under KVM.
    package static var usesKVM: Self { .init("query-kvm") { $0["enabled"]?.bool } }
}

extension QMPRequest<[String: String]> {
    /// The formats of the images that its drives have, by the names under which they were opened.
    package static var imageFormats: Self {
        .init("query-block") { answer in
            answer.array?.reduce(into: [:]) { found, drive in
                guard let medium = drive["inserted"], let file = medium["file"]?.string else { return }
                found[file] = medium["drv"]?.string
            }
        }
    }
}
