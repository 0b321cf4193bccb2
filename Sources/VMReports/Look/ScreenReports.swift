import SystemPackage
import VMCore

/// `kvmctl screenshot`: the picture that was taken.
package struct ScreenshotReport: ObjectReport {
    /// A screenshot.
    package let schema = Schema.screenshot
    /// The file.
    package let members: Members
    /// One line.
    package let text: [TextBlock]

    /// Reports a picture of this many bytes.
    package init(_ name: VMName, file: FilePath, format: PictureFormat, size: Int) {
        members = [
            "name": .string(name.description), "file": .string(file.string), "format": .string(format.rawValue),
            "size": .int(size), "lines": .null,
        ]
        text = ["\(name): screen saved to \(file)"]
    }
}

/// `kvmctl screenshot --text`: what a screen in text mode shows.
package struct ScreenTextReport: ObjectReport {
    /// A screenshot.
    package let schema = Schema.screenshot
    /// The lines.
    package let members: Members
    /// The lines, and nothing else.
    package let text: [TextBlock]
    /// Whether there is nothing to read.
    package let remarks: [String]

    /// Reports the lines of a screen.
    package init(_ name: VMName, _ lines: [String]) {
        members = [
            "name": .string(name.description), "file": .null, "format": .null, "size": .null, "lines": .strings(lines),
        ]
        text = lines.map { .lines($0) }
        remarks = lines.isEmpty ? ["\(name): its screen is blank"] : []
    }
}

/// `kvmctl sendkey`: the keys that were pressed, or would be.
package struct SendKeyReport: ObjectReport {
    /// Keys.
    package let schema = Schema.keysSent
    /// The keys. Of the text that was typed only the length is told: it may be a password.
    package let members: Members
    /// One line.
    package let text: [TextBlock]

    /// Reports chords, and how many characters were typed after them.
    package init(_ name: VMName, _ chords: [KeyChord], typed: Int, dryRun: Bool) {
        members = [
            "dryRun": .bool(dryRun), "name": .string(name.description), "keys": .strings(chords), "typed": .int(typed),
        ]
        let keys =
            chords.isEmpty
            ? [] : [(dryRun ? "press " : "pressed ") + "\(chords.map(\.description).joined(separator: ", "))"]
        let characters =
            typed == 0 ? [] : [(dryRun ? "type " : "typed ") + "\(typed) character\(typed == 1 ? "" : "s")"]
        text = ["\(name): \(dryRun ? "would " : "")\((keys + characters).joined(separator: ", "))"]
    }
}
