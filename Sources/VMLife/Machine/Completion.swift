import Glibc
import SystemPackage
import VMCore
import VMHost

extension Site {
    /// A completion of a VM's path: a directory, or a params file.
    package struct Place: Equatable, Sendable {
        /// Its name in the directory.
        package var name: String
        /// Whether it is a directory, which may hold a VM or lead to one.
        package var isDirectory: Bool
    }

    /// Which VMs are offered.
    package enum CandidateState: Sendable { case any, running, stopped }

    /// The names of the VMs under the roots, of the running ones, or of both, sorted. Completion has to be quick, so only
    /// files that may say another name than their paths are decoded.
    package func candidates(_ state: CandidateState) -> [VMName] {
        let running = Set(running().compactMap { try? $0.get().name })
        func defined() -> [VMName] {
            definitions().files.compactMap { file in
                VMFile.glance(at: file, ifItMentions: "NAME")?.name.value ?? VMParams.defaultName(of: file)
            }
        }
        let names =
            switch state {
            case .any: running.union(defined())
            case .running: running
            case .stopped: Set(defined()).subtracting(running)
            }
        return names.sorted { $0.description < $1.description }
    }

    /// The places in a directory that may lead to a VM, without hidden ones; none if it can't be read.
    package static func places(in directory: FilePath) -> [Place] {
        ((try? names(in: directory)) ?? []).compactMap { name in
            guard !name.hasPrefix("."), let found = try? status(of: directory.appending(name)) else { return nil }
            let isDirectory = found.st_mode & S_IFMT == S_IFDIR
            return isDirectory || name.hasSuffix(".params") ? Place(name: name, isDirectory: isDirectory) : nil
        }
    }
}
