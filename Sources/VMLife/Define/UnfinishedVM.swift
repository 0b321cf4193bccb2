import SystemPackage
import VMCore
import VMHost

/// A VM that is being created. Its files get their names last, all at once: an interrupted create leaves nothing in the way of
/// the next.
final class UnfinishedVM {
    var disks: [(image: SparseDisk, file: NewFile)] = []
    /// Its other files, such as those for cloud-init.
    var texts: [NewFile] = []
    /// With its params file the VM exists.
    var params: NewFile?
    private let place: NewVMPlace
    private var root: NewDirectory?
    private var directory: NewDirectory?

    /// Descriptors that each one holds: of every file, and of its directory.
    static func descriptors(of vm: Creating) -> Int { 2 * (vm.images.count + vm.plan.files.count + 1) + 2 }

    init(_ vm: Creating) { place = vm.place }

    /// Makes its directory, and the root that it is under, where they are missing.
    func makeDirectories(_ make: (FilePath?) throws(VMError) -> NewDirectory?) throws(VMError) {
        root = try make(place.newRoot)
        directory = try make(place.directory)
    }

    private var files: [NewFile] { disks.map(\.file) + texts + [params].compactMap(\.self) }

    /// Waits until what is in its files survives a power cut.
    func sync() throws(VMError) {
        for file in files { try writing(file.path) { () throws(Errno) in try file.sync() } }
    }

    /// Gives all files but the params file their names.
    func nameFiles() throws(VMError) {
        for (image, file) in disks { try image.putInPlace(file) }
        for text in texts { try writing(text.path) { () throws(Errno) in try text.putInPlace() } }
    }

    /// Gives the params file its name, and waits until all names survive a power cut.
    func nameParams() throws(VMError) {
        try nameParamsAlone()
        try syncNames()
    }

    /// Gives the params file its name.
    func nameParamsAlone() throws(VMError) {
        if let params { try writing(params.path) { () throws(Errno) in try params.putInPlace() } }
    }

    /// Waits until all names survive a power cut.
    func syncNames() throws(VMError) {
        try writing(place.directory) { () throws(Errno) in
            try params?.syncName()
            try directory?.syncName()
            try root?.syncName()
        }
    }

    /// Removes it again, with the directories that were made for it.
    func remove() {
        files.forEach { $0.remove() }
        directory?.remove()
        root?.remove()
    }
}
