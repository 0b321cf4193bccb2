import BridgeKernel
import CLinux
import Glibc
import SystemPackage
import VMCore
import VMHost

extension Machine {
    /// A picture of its screen, as a file's content.
    ///
    /// - Throws: `.unavailable` if QEMU can't write this format; why it can't be asked.
    package func screenshot(as format: PictureFormat) throws(VMError) -> [UInt8] {
        try running(or: Self.lost)
        let bytes: [UInt8]
        do throws(MonitorSession.Failure) {
            let deadline = Deadline(in: Self.patience)
            var session = try monitor(by: deadline)
            bytes = try session.picture(as: format, by: deadline)
        } catch { throw refusal(error, format) }
        guard format.begins(bytes) else { throw notAPicture }
        return bytes
    }

    /// What its screen shows, if that is in text mode.
    ///
    /// - Throws: `.busy` if it is in graphics mode, or changes all the time.
    package func screenText() throws(VMError) -> TextScreen {
        try running(or: Self.lost)
        let deadline = Deadline(in: Self.patienceWithChanges)
        var (before, still): ([UInt8]?, Deadline) = (nil, Deadline(in: Self.patienceWithGraphics))
        while true {
            let (picture, memory) = try pictureAndText()
            if let memory, let text = TextScreen(picture, memory: memory) { return text }
            if memory != before { still = Deadline(in: Self.patienceWithGraphics) }
            // A picture taken while the memory stayed as it was shows something else.
            guard memory != nil, !still.hasPassed else { throw noText("it is in graphics mode", picture) }
            guard !deadline.hasPassed else { throw noText("it changes all the time", picture) }
            before = memory
            pause(.milliseconds(20))
        }
    }

    private func noText(_ why: String, _ picture: Picture) -> VMError {
        VMError(
            .busy, name.description,
            "its screen shows no text that can be read: \(why), \(picture.width)×\(picture.height)",
            remedy: "take a picture: \(command: "kvmctl screenshot \(name) \(name).png")")
    }

    /// How long a screen may look like graphics of a size that text has too: until its guest has set it up, it does.
    private static let patienceWithGraphics = Duration.seconds(1)
    /// How long a guest may write to its screen faster than that can be read.
    private static let patienceWithChanges = Duration.seconds(5)
    private static let lost = "it has no screen"
    private static let patience = Duration.seconds(10)

    /// Its screen, and then its text memory; no memory if a screen of that size can't be in text mode.
    private func pictureAndText() throws(VMError) -> (Picture, [UInt8]?) {
        do throws(MonitorSession.Failure) {
            let deadline = Deadline(in: Self.patience)
            var session = try monitor(by: deadline)
            guard let picture = try session.picture(by: deadline) else { throw .ours(notAPicture) }
            return (picture, try session.textMemory(behind: picture, by: deadline))
        } catch { throw refusal(error, .ppm) }
    }

    private var notAPicture: VMError {
        VMError(.unavailable, name.description, "what QEMU wrote is not a picture of its screen")
    }

    private func refusal(_ failure: MonitorSession.Failure, _ format: PictureFormat) -> VMError {
        guard case .qemu(.refused(_, let text)) = failure else { return failure.error(of: name) }
        let isFormat = format == .png && ["PNG", "format"].contains { text.contains($0) }
        return VMError(
            .unavailable, name.description, "QEMU takes no picture: \(text)",
            remedy: isFormat ? "name a file that ends in .ppm" : nil)
    }
}

extension MonitorSession {
    /// The largest picture that is read, in bytes.
    private static let largest = 256 << 20

    /// A picture of the screen, as a file's content.
    ///
    /// QEMU may open no file. It is lent one in memory, and never the user's: a QEMU that a guest has taken over could
    /// keep that, and write to it later.
    fileprivate mutating func picture(as format: PictureFormat, by deadline: Deadline) throws(Failure) -> [UInt8] {
        let file = try Self.memoryFile()
        let set = try lend(file, by: deadline)
        do throws(Failure) {
            try execute(.screenshot(to: "/dev/fdset/\(set)", as: format), by: deadline)
        } catch {
            _ = try? execute(.takeBack(set: set), by: deadline)
            throw error
        }
        try execute(.takeBack(set: set), by: deadline)
        do throws(Errno) {
            let size = Int(try file.status().st_size)
            guard size <= Self.largest else { throw .fileTooLarge }
            return try readBytes(of: file.rawValue, at: 0, count: size)
        } catch { throw .ours(.system(error, "picture", "can't be read")) }
    }

    /// What the screen shows; nil if what QEMU wrote is not a picture.
    mutating func picture(by deadline: Deadline) throws(Failure) -> Picture? {
        Picture(ppm: try picture(as: .ppm, by: deadline))
    }

    /// The text memory; nil if a screen of that size can't be in text mode. Then it is not even read: in planar graphics
    /// modes reading changes the VGA's latches.
    mutating func textMemory(behind picture: Picture, by deadline: Deadline) throws(Failure) -> [UInt8]? {
        guard TextScreen.mayShow(picture) else { return nil }
        let (address, count) = TextScreen.memory
        return try execute(.physicalMemory(at: address, count: count), by: deadline)
    }

    private static func memoryFile() throws(Failure) -> OwnedDescriptor {
        do throws(Errno) { return try OwnedDescriptor(returned: clinux_memory_file("picture")) } catch {
            throw .ours(.system(error, "picture", "can't make a file in memory for it"))
        }
    }

    private mutating func lend(_ file: borrowing OwnedDescriptor, by deadline: Deadline) throws(Failure) -> Int64 {
        let writable: OwnedDescriptor
        do throws(Errno) {
            // QEMU takes a descriptor from a set only if its access mode is exactly the one that it wants.
            writable = try .open(FilePath("/proc/self/fd/\(file.rawValue)"), .writeOnly)
        } catch { throw .ours(.system(error, "picture", "can't open its file in memory")) }
        return try execute(.lendDescriptor, passing: writable.rawValue, by: deadline)
    }
}
