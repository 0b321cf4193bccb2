/// What the firmware writes on its debug port (SeaBIOS; I/O port 0x402): what it tries to boot, and whether it found something.
/// The screen says less, and only until what was booted clears it.
package struct FirmwareLog: Sendable {
    /// What it booted, in its own words, such as `Hard Disk`: the boot code that it found there runs since. nil: nothing yet.
    package private(set) var booted: String?

    private(set) var progress = BootProgress()
    /// What it tries to boot.
    private var tried: String?

    package init() {}

    /// How far it is: no further than to the boot code, whatever else the guest writes there.
    var stage: BootStage { progress.isSilent ? .unknown : booted == nil ? .firmware : .bootLoader }

    /// Takes in what it wrote.
    package mutating func take(_ bytes: some Sequence<UInt8>) {
        // Line by line, because a log holds the boots before this one too.
        var line: [UInt8] = []
        for byte in bytes {
            line.append(byte)
            if byte == UInt8(ascii: "\n") {
                takePiece(line)
                line = []
            }
        }
        takePiece(line)
    }

    private mutating func takePiece(_ bytes: [UInt8]) {
        var lines: [ArraySlice<UInt8>] = []
        progress.take(bytes) { lines.append($0) }
        for line in lines { judge(String(decoding: line, as: UTF8.self)) }
    }

    /// The machine was reset: it begins anew.
    package mutating func restart() { self = FirmwareLog() }

    /// The lines of SeaBIOS's src/boot.c: `Booting from Hard Disk...`, then `Boot failed: …`, or the address of the code.
    private mutating func judge(_ line: String) {
        if line.hasPrefix("SeaBIOS (version") {
            progress.restart()
            (tried, booted) = (nil, nil)
        } else if line.hasPrefix("Boot failed") {
            (tried, booted) = (nil, nil)
        } else if line.hasPrefix(Self.trying) {
            let what = line.dropFirst(Self.trying.count)
            if what.hasSuffix("...") { (tried, booted) = (String(what.dropLast(3)), nil) } else { booted = tried }
        }
    }

    private static let trying = "Booting from "
}
