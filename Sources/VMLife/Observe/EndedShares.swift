import VMCore
import VMHost

extension Site {
    /// The keys of a running VM's shared directories whose server has ended, so that the guest's mount hangs. Only QEMU can
    /// tell, and only one with shared directories is asked.
    func endedShares(of entry: VMEntry) -> [KeyName] {
        guard entry.state.isAlive, entry.isAsked, let name = VMName(entry.name),
            entry.vm?.given?.contains("SHARE") == true
        else { return [] }
        let vm = Machine(name: name, file: entry.file, site: looking(at: entry.place))
        let ended = (try? vm.ask(.endedConnections, by: Deadline(in: .seconds(2)))) ?? []
        return ended.compactMap { label in
            guard label.hasPrefix("share"), label.hasSuffix("-server") else { return nil }
            return Int(label.dropFirst("share".count).dropLast("-server".count)).map { KeyName(.share, $0) }
        }.sorted { $0.precedes($1) }
    }
}
