import SystemPackage
import VMCore

/// `kvmctl disk info`: what is known of a disk.
package struct DiskReport: ObjectReport {
    private let look: DiskLook

    /// Reports a look.
    package init(_ look: DiskLook) { self.look = look }

    /// A disk.
    package let schema = Schema.disk

    /// The disk, its images, and who uses it.
    package var members: Members { look.members }

    /// A line for each thing that is known.
    package var text: [TextBlock] {
        let rows = image + below + users
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { key, value in
            .lines(key + String(repeating: " ", count: width - key.count + 2) + Printable.escaped(value))
        }
    }

    private var image: [(String, String)] {
        let (image, found) = (look.image, look.image.found)
        var rows = look.vm.map { [("disk", "\($0) \(look.device ?? "(attached)")")] } ?? []
        rows += [("path", look.path.string), ("format", format)]
        if image.isMissing { rows.append(("file", "does not exist")) }
        if let size = image.virtualSize { rows.append(("size", "\(size)")) }
        if let length = found?.apparent { rows.append(("length", "\(length)")) }
        if let found, found.allocated == nil { rows.append(("on disk", "a block device")) }
        if let allocated = found?.allocated { rows.append(("on disk", "\(allocated)")) }
        if let holes = found?.holes { rows.append(("holes", "\(holes)")) }
        if let objection = look.objection { rows.append(("fault", "it \(objection)")) }
        return rows
    }

    private var format: String {
        guard let format = look.image.format else { return "not known" }
        if look.declared == nil, look.image.found?.content != nil, format != DiskFormat.raw.rawValue {
            return "\(format), by how it begins"
        }
        return format
    }

    private var below: [(String, String)] {
        look.chain.dropFirst().map { layer in
            var words = layer.name
            if let format = layer.format { words += ", \(format)" }
            if let size = layer.virtualSize { words += ", \(size)" }
            if !layer.isFile { words += " (no file of this host)" }
            if layer.isAbove { words += " (a loop: it comes above already)" }
            if layer.isMissing { words += " (missing)" }
            if layer.obstacle != nil { words += " (could not be looked at)" }
            return (layer.role == .data ? "data in" : "stands on", words)
        }
    }

    private var users: [(String, String)] {
        guard let users = look.users else { return [] }
        var rows: [(String, String)] = users.vms.map { use in
            switch use {
            case .backing(let name, let disk): ("used by", "\(name), whose \(disk) stands on it")
            default: ("used by", use.vm.map { "\($0), as a disk" } ?? use.words)
            }
        }
        if let host = users.host { rows.append(("host", "\(host)")) }
        if users.obstacle != nil { rows.append(("used by", "perhaps others: not everything could be looked at")) }
        if rows.isEmpty { rows.append(("used by", "no VM that is known")) }
        if !users.running.isEmpty {
            rows.append(("open in", users.running.map(\.description).joined(separator: ", ")))
        } else if look.isOpenElsewhere {
            rows.append(("open in", "another process: \(command: "fuser -v \(look.path.string)") shows which"))
        }
        return rows
    }
}

/// `kvmctl disk list`: the disks of VMs.
package struct DiskListReport: Report {
    private let disks: [DiskLook]
    private let failures: VMResults

    /// Reports these disks, in this order.
    ///
    /// - Parameter failures: The VMs whose disks are not known, and why.
    package init(_ disks: [DiskLook], failures: VMResults) { (self.disks, self.failures) = (disks, failures) }

    /// A disk.
    package let schema = Schema.disk

    /// An object for each, then one for each VM whose disks are not known.
    package var content: Content {
        guard case .array(let failed) = failures.content else { return .array(disks.map(\.members)) }
        return .array(disks.map(\.members) + failed)
    }

    /// A row for each.
    package var text: [TextBlock] {
        var table = Table("VM", "DISK", "FORMAT", "SIZE", "ON DISK", "PATH", "STANDS ON")
        for disk in disks {
            let (image, below) = (disk.image, disk.chain.dropFirst())
            table.add(
                disk.vm?.description ?? "-", disk.device ?? "-", image.format ?? "-", image.virtualSize?.short ?? "-",
                image.found?.allocated?.short ?? (image.isMissing ? "missing" : "-"), disk.path.string,
                below.isEmpty
                    ? "-" : below.map { $0.isMissing ? "\($0.name) (missing)" : $0.name }.joined(separator: ", "))
        }
        return [.table(table)]
    }

    /// Disks that are not what the VMs' files say.
    package var remarks: [String] {
        disks.compactMap { disk in
            disk.objection.map { "\(disk.vm?.description ?? "-"): \(disk.device ?? "-"): \(disk.path) \($0)" }
        }
    }
}

extension DiskLook {
    fileprivate var members: Members {
        let (image, found) = (image, image.found)
        var members: Members = [
            "name": .optional(vm?.description), "device": .optional(device), "path": .string(path.string),
            "format": .optional(image.format), "declaredFormat": .optional(declared?.rawValue),
            "content": .optional(found?.content?.name),
            "exists": image.isMissing ? .bool(false) : found == nil ? .null : .bool(true),
            "size": .bytes(image.virtualSize), "length": .bytes(found?.apparent), "allocated": .bytes(found?.allocated),
            "holes": .bytes(found?.holes), "fault": .optional(objection),
            "chain": .array(chain.dropFirst().map(\.json)), "vms": .null, "openIn": .null, "host": .null,
            "isOpen": found?.locks.map { .bool(!$0.isEmpty) } ?? .null,
            "unseen": .strings(obstacles.map(\.summary)),
        ]
        guard let users else { return members }
        members["vms"] = .array(
            users.vms.map { use in
                ["name": .optional(use.vm?.description), "use": .string(use.isBacking ? "backing" : "disk")]
            })
        members["openIn"] = .strings(users.running)
        members["host"] = .optional(users.host?.description)
        return members
    }
}

extension DiskLayer {
    fileprivate var json: JSON {
        [
            "role": .string(role.rawValue), "path": .string(name), "format": .optional(format),
            "exists": isMissing ? .bool(false) : found == nil ? .null : .bool(true), "size": .bytes(virtualSize),
            "allocated": .bytes(found?.allocated),
        ]
    }
}

extension JSON {
    fileprivate static func bytes(_ count: ByteCount?) -> JSON { count.map { .int($0.bytes) } ?? .null }
}
