import SystemPackage

extension FileTrust {
    /// The same as `find`, of a file that must have that name itself: what a link leads to may be anything of its owner's, and is
    /// neither removed nor replaced.
    ///
    /// - Throws: ELOOP if it is a symbolic link, as open(2) with O_NOFOLLOW.
    package func findUnlinked(_ path: FilePath) throws(PathWalk.Failure) -> FoundFile {
        let found = try find(path)
        let parent = path.removingLastComponent()
        let directory = parent == "/" ? parent : try find(parent).path
        guard let name = path.lastComponent, found.path == directory.appending(name) else {
            throw .system(.tooManySymbolicLinkLevels, path)
        }
        return found
    }
}
