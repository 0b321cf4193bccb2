import BridgeNet
import SystemPackage
import VMCore
import VMHost

/// What a VM that exists for one run is made of.
package struct EphemeralModel {
    /// Where its definition comes from.
    package enum Source {
        /// A VM, or a params file, which stays as it is.
        case vm(String)
        /// A kernel, with what goes with it.
        case kernel(FilePath, initrd: FilePath?, commandLine: String?)
        /// A disk image: a file, or a name that `image list` knows.
        case image(String)
    }

    private let source: Source
    private let settings: [(key: String, value: String?)]
    private let edits: [ParamsEdit]
    /// By which option a key is set, if not by `--set`.
    private let options: [KeyName: String]

    /// Describes it.
    ///
    /// - Parameters:
    ///   - settings: keys and the values that they have in this run.
    ///   - options: by which option a key is set, if not by `--set`.
    /// - Throws: `.usage` if there is no such key.
    package init(
        _ source: Source, with settings: [(key: String, value: String?)], by options: [KeyName: String] = [:]
    ) throws(VMError) {
        (self.source, self.settings, self.options) = (source, settings, options)
        var edits: [ParamsEdit] = []
        for (key, value) in settings {
            let edit = try ParamsEdit(key: key, value: value)
            guard edit.key != KeyName(.name) else {
                throw VMError(.usage, "NAME", "is made anew for each run", remedy: "leave it out")
            }
            edits.append(edit)
        }
        self.edits = edits
    }

    /// The VM itself, as if a file said so.
    func file(named name: VMName, in context: PlanningContext) throws(VMError) -> VMFile {
        var file = try base(in: context)
        try refuseRunning(file, in: context)
        file.params.model = file.params.file
        file.params.file = context.site.paths.ephemeral.appending("\(name).params")
        file.params.becomeOwn(name, sharing: Set(edits.map(\.key)))
        return file
    }

    /// Refuses a VM that runs with disks that it writes to: they would change under the run.
    private func refuseRunning(_ file: VMFile, in context: PlanningContext) throws(VMError) {
        guard case .vm(let word) = source else { return }
        let disks = file.params.disks.filter { !$0.readOnly.value }.map(\.path.value)
        guard !disks.isEmpty else { return }
        let vm = try context.site.find(word, in: context)
        let written = try context.otherVMs(besides: []).filter { $0.isRunning && $0.name == vm.name }.flatMap(\.media)
            .filter(\.isWritten).map(\.place)
        let shared = disks.first { path in FilePlace(of: path).map(written.contains) == true }
        guard let shared else { return }
        throw VMError(
            .busy, vm.name.description, "it is running: \(shared) is in use by it, and would change under the run",
            remedy: """
                shut it down first; for runs beside it make a copy while it does not run: \
                \(command: "kvmctl clone \(vm.name) NEW")
                """)
    }

    /// What it is called, for people.
    func title(_ file: VMFile) -> String {
        switch source {
        case .vm: file.params.written.string
        case .kernel(let image, _, _): image.string
        case .image(let word): word
        }
    }

    /// The same in short: the word that names it.
    var called: String {
        switch source {
        case .vm(let word), .image(let word): word
        case .kernel(let image, _, _): image.lastComponent?.string ?? image.string
        }
    }

    /// The name of the warm image for runs of it. What else the command line says of the machine is in it, so that two runs
    /// that differ only in that do not replace each other's.
    func warmName(_ conditions: [WaitCondition], in context: PlanningContext) throws(VMError) -> VMName {
        let (stem, words): (String, [String])
        switch source {
        case .vm(let word):
            let vm = try context.site.find(word, in: context)
            try vm.refuseEphemeral()
            (stem, words) = (vm.name.description, ["vm", vm.file.string])
        case .kernel(let image, let initrd, let line):
            (stem, words) = (image.stem ?? "kernel", ["kernel", image.string, initrd?.string ?? "", line ?? ""])
        case .image(let word):
            let path = word.contains("/") ? absolutePath(word) : FilePath(word)
            (stem, words) = (path.stem ?? "image", ["image", path.string])
        }
        // Relative paths among them begin at the current directory.
        let place = settings.isEmpty ? [] : [absolutePath(".").string]
        let all = words + settings.flatMap { [$0.key, $0.value ?? ""] } + place + conditions.map(\.description)
        let digits = Identity.hash(Array(all.joined(separator: "\0").utf8)).prefix(4).map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
        let plain = stem.filter { "\($0)".isPlain(and: "._-") }.prefix(40).drop { !$0.isLetter && !$0.isNumber }
        guard let name = VMName("\(plain.isEmpty ? "vm" : plain)-\(digits)") else {
            throw VMError(.bug, stem, "makes no name of a warm image")
        }
        return name
    }

    private func base(in context: PlanningContext) throws(VMError) -> VMFile {
        switch source {
        case .vm(let word):
            let vm = try context.site.find(word, in: context)
            // With nothing to change, it has to stay the same file until it is used.
            guard !edits.isEmpty else { return try context.file(of: vm) }
            guard !vm.file.isEmpty, !vm.isEphemeral else { return try context.file(of: vm) }
            let text = try VMFile.text(of: vm.file, context.trust)
            let lines = try OptionLines(edits + uncounted(in: text), in: text, of: vm.file, options: options)
            do throws(VMError) { return try VMFile(lines, of: vm.file, context.trust) } catch {
                // What was wrong before is no fault of the command line.
                _ = try VMFile(text, of: vm.file, context.trust)
                throw error
            }
        case .kernel(let image, let initrd, let commandLine):
            var file = try made(
                [
                    ("KERNEL", image.string), ("INITRD", initrd?.string), ("APPEND", commandLine),
                ], in: context)
            file.params.kernel?.image.origin = .option("--kernel")
            file.params.kernel?.initrd?.origin = .option("--initrd")
            file.params.kernel?.commandLine?.origin = .option("--append")
            return file
        case .image(let word):
            let source = try image(word, in: context)
            var file = try made([("DISK0", source.path.string)], in: context)
            // No guest writes to it, so that its own word can be taken for what it is.
            guard let first = file.params.disks.indices.first else { return file }
            file.params.disks[first].path.origin = .option("--image")
            let format = file.params.disks[first].format ?? Setting(source.format, .option("--image"))
            file.params.disks[first].format = format
            return file
        }
    }

    /// The removal of what does not count in a run, where it might not go with the network that the run is to have.
    private func uncounted(in text: String) -> [ParamsEdit] {
        let named = Set(edits.map(\.key.ofItsThing))
        guard named.contains(where: { $0.key == .net }) else { return [] }
        let keys = GivenKeys(in: text).values.keys.filter { key in
            let isUncounted = [.forward, .netMAC, .netTap].contains(key.key)
            return isUncounted && !named.contains(key)
        }
        return keys.compactMap { try? ParamsEdit(key: "\($0)", value: nil) }
    }

    private func image(_ word: String, in context: PlanningContext) throws(VMError) -> ImageSource {
        let source = try ImageSource(ImageLibrary(context).file(meantBy: word).path, context.trust)
        guard source.packing == nil else {
            throw VMError(
                .unavailable, source.path.string, "is compressed as a whole, and QEMU can't read it",
                remedy: .run("unpack it as an image with a name", "kvmctl image import \(source.path)"))
        }
        return source
    }

    /// A VM that only the command line describes. Relative paths begin at the current directory.
    private func made(
        _ keys: [(key: String, value: String?)], in context: PlanningContext
    ) throws(VMError) -> VMFile {
        var said = keys.filter { $0.value != nil }
        if !settings.contains(where: { ["NET0", "BRIDGE"].contains($0.key) }) { said.append(("NET0", "user")) }
        let given = Set(settings.map(\.key))
        var edits: [ParamsEdit] = []
        for (key, value) in said where !given.contains(key) { edits.append(try ParamsEdit(key: key, value: value)) }
        let file = absolutePath("command-line.params")
        let own = ["KERNEL", "INITRD", "APPEND"].map { ($0, "--\($0.lowercased())") } + [("DISK0", "--image")]
        var options = options
        for (key, option) in own where !given.contains(key) {
            options[try ParamsEdit(key: key, value: nil).key] = option
        }
        return try VMFile(
            OptionLines(edits + self.edits, in: "", of: file, options: options), of: file, context.trust)
    }
}

extension VMParams {
    /// Leaves out all that only one VM can have, and what is about a VM that stays.
    ///
    /// - Parameter sharing: the keys that were given for this run: a directory among them is shared as it says, others are only
    ///   read.
    fileprivate mutating func becomeOwn(_ name: VMName, sharing keys: Set<KeyName>) {
        let origin = Origin.derived("this VM exists for one run")
        self.name = Setting(name, origin)
        uuid = Setting(.random(), origin)
        description = Setting("for one run of kvmctl", origin)
        protect = Setting(false, origin)
        template = Setting(false, origin)
        service = .silent(origin)
        for index in nics.indices { (nics[index].mac, nics[index].tap) = (nil, nil) }
        forwards = []
        vnc.display = Setting(.none, origin)
        vnc.passwordFile = nil
        for index in shares.indices where !keys.contains(KeyName(.share, shares[index].index)) {
            shares[index].directory.value.isReadOnly = true
        }
    }
}
