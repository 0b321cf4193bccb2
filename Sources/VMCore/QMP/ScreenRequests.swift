// What QEMU's monitor is asked about the screen and the keyboard (QEMU, docs/interop/qemu-qmp-ref), by what it returns.

extension QMPRequest<Int64> {
    /// Makes a set of the descriptor that is sent along, under a free number, which is returned.
    package static var lendDescriptor: Self { .init("add-fd") { $0["fdset-id"]?.integer } }
}

extension QMPRequest<Void> {
    /// Closes what was lent as this set.
    package static func takeBack(set: Int64) -> Self { .init("remove-fd", ["fdset-id": .integer(set)]) }

    /// Writes a picture of the screen.
    package static func screenshot(to file: String, as format: PictureFormat) -> Self {
        // A QEMU before 7.1 knows no formats, and writes a PPM.
        .init(
            "screendump",
            ["filename": .string(file)].merging(format == .ppm ? [:] : ["format": .string(format.rawValue)]) { $1 })
    }

    /// Holds down the keys one after the other, then lets them go in the reverse order. QEMU goes on by itself after its
    /// reply.
    package static func press(_ chord: KeyChord, holding hold: Duration) -> Self {
        let keys = chord.keys.map { JSON.object(["type": "qcode", "data": .string($0.description)]) }
        let milliseconds = hold.components.seconds * 1000 + hold.components.attoseconds / 1_000_000_000_000_000
        return .init("send-key", ["keys": .array(keys), "hold-time": .integer(milliseconds)])
    }
}

extension QMPRequest<[UInt8]> {
    /// The bytes of the guest's physical memory at an address.
    ///
    /// - Parameter count: a multiple of four.
    package static func physicalMemory(at address: Int, count: Int) -> Self {
        // QMP has only commands that write them into a file, which can't be a lent descriptor.
        let line = "xp /\(count / 4)wx 0x\(String(address, radix: 16))"
        return .init("human-monitor-command", ["command-line": .string(line)]) { answer in
            // `00000000000b8000: 0x07200720 0x07200720 …`
            // By bytes: a wait asks every second, and a Character costs fifty times as much.
            let words = answer.string?.utf8.split { $0 <= 0x20 }.filter { $0.last != UInt8(ascii: ":") }.map {
                UInt32(Substring($0.dropFirst(2)), radix: 16)
            }
            guard let words, words.count == count / 4 else { return nil }
            var bytes: [UInt8] = []
            for word in words {
                guard let word else { return nil }
                withUnsafeBytes(of: word.littleEndian) { bytes += $0 }
            }
            return bytes
        }
    }
}
