import SystemPackage

/// What a VM's params file says of its unit, kvmctl@NAME.service, as a drop-in file for it (systemd.unit(5)). Pure.
package struct UnitDropIn: Equatable, Sendable {
    /// The file's text; nil if there is nothing to say, so that there is no such file.
    package let text: String?
    /// A path or variable that can't be written into a unit; nil: none.
    package let unsayable: String?

    /// The first words of each such file. A file without them was not written by kvmctl.
    package static let mark = "# Written by kvmctl enable from "

    /// - Parameters:
    ///   - environment: the variables that name where VMs are, as the caller has them. The unit needs them too.
    package init(_ params: VMParams, environment: [(key: String, value: String)]) {
        let service = params.service
        let after = (service.after?.value ?? []).map { "kvmctl@\($0).service" }.joined(separator: " ")
        let unit = after.isEmpty ? [] : ["After=\(after)"]
        let directories = service.ioLimit == nil ? [] : Self.directories(of: params)
        unsayable = (environment.map(\.value) + directories).first { Printable.escaped($0) != $0 }
        var lines = environment.map { "Environment=\(Self.quoted("\($0.key)=\($0.value)"))" }
        let delay = service.delay?.value.components.seconds ?? 0
        if delay > 0 {
            // Not where an admin starts the unit later.
            lines.append(
                "ExecStartPre=/bin/sh -c 'test \"$$(systemctl is-system-running)\" != starting || exec sleep \(delay)'")
        }
        // The unit's own limit is for QEMU.
        let waits = delay + (after.isEmpty ? 0 : StartOrder.patience.components.seconds)
        if waits > 0 { lines.append("TimeoutStartSec=\(180 + waits)") }
        if let limit = service.cpuLimit?.value { lines.append("CPUQuota=\(limit)%") }
        if let limit = service.ioLimit?.value {
            for directory in directories {
                for way in ["Read", "Write"] {
                    lines.append("IO\(way)BandwidthMax=\(Self.quoted(directory)) \(limit.bytes)")
                }
            }
        }
        let sections = [("Unit", unit), ("Service", lines)].filter { !$0.1.isEmpty }
        let body = sections.map { "\n[\($0.0)]\n" + $0.1.map { "\($0)\n" }.joined() }.joined()
        let head = "\(Self.mark)\(Printable.escaped(params.file.string)); run it again after a change.\n"
        text = sections.isEmpty ? nil : head + body
    }

    /// The directories of the disks: systemd limits the devices below them.
    private static func directories(of params: VMParams) -> [String] {
        params.disks.map { $0.path.value.removingLastComponent().string }.reduce(into: []) { found, directory in
            if !found.contains(directory) { found.append(directory) }
        }
    }

    /// A word as systemd reads it: quoted, with no specifier in it.
    private static func quoted(_ word: String) -> String {
        let escapes: [Character: String] = ["\"": "\\\"", "\\": "\\\\", "%": "%%"]
        return "\"" + word.map { escapes[$0] ?? String($0) }.joined() + "\""
    }
}
