import SystemPackage

extension VMParams {
    /// The images of its disks, with what those stand on, and of its CDs, absolute.
    package var media: [FilePath] {
        disks.flatMap { [$0.path.value] + $0.backing.map(\.value) } + cdroms.compactMap(\.path.value)
    }

    /// The paths of all files and directories that its file names, or that those name which it includes, absolute.
    package var namedPaths: [FilePath] {
        let others = [kernel?.image.value, kernel?.initrd?.value, vnc.passwordFile?.value, include?.value]
        let seed = cloudInit?.files.map(\.value) ?? []
        let program = qemu.flatMap { $0.value.contains("/") ? FilePath($0.value) : nil }
        return media + seed + (others + [program]).compactMap(\.self) + given.files + shares.map(\.directory.value.path)
    }
}
