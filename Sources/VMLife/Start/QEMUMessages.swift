import SystemPackage
import VMCore

/// What QEMU printed before it gave up.
struct QEMUMessages: Equatable {
    /// The last lines, without time stamps, and with the paths of images instead of their descriptors.
    var lines: [String]

    /// What is said of every VM: by QEMU's virtiofsd at its end, by QEMU of the firmware's setting at its start.
    private static let noise = [
        "virtio_loop: Unexpected poll revents", "warning: externally provided fw_cfg item names should be prefixed",
    ]

    init(_ log: [UInt8], naming descriptors: [Descriptor] = []) {
        let images = descriptors.reduce(into: [String: String]()) { names, descriptor in
            if case .image(let path, _, _) = descriptor.role { names["/dev/fdset/\(descriptor.number)"] = path.string }
        }
        let text = String(decoding: log, as: UTF8.self)
        let said = text.split(separator: "\n").filter { line in !Self.noise.contains { line.contains($0) } }
        lines = said.suffix(8).map { line in
            let words = line.split(separator: " ", maxSplits: 1)
            // 2026-01-31T12:00:00.000000Z qemu-system-x86_64: …
            let isStamped = words.count == 2 && words[0].utf8.count >= 20 && words[0].hasSuffix("Z")
            return Printable.foreign(Self.named(isStamped ? words[1] : line, images))
        }
    }

    /// Replaces whole names only: `/dev/fdset/1` must not match in `/dev/fdset/12`.
    private static func named(_ line: Substring, _ images: [String: String]) -> String {
        var result = ""
        var rest = line[...]
        while let start = rest.firstRange(of: "/dev/fdset/") {
            let digits = rest[start.upperBound...].prefix(while: \.isNumber)
            let name = String(rest[start.lowerBound..<digits.endIndex])
            result += rest[..<start.lowerBound] + (images[name] ?? name)
            rest = rest[digits.endIndex...]
        }
        return result + rest
    }

    /// The failure that they tell of, if it is one that is known.
    var complaint: QEMUComplaint? { QEMUComplaint(in: lines) }
}
