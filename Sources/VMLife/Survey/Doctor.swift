import Glibc
import VMCore
import VMHost

/// Looks for everything that keeps a VM from starting or from being reached.
package struct Doctor {
    private let site: Site
    private let trust: FileTrust

    /// Examines the host, and the VMs of a site.
    ///
    /// - Parameter trust: whose params files are examined. For the rest only the owner is reported.
    package init(_ site: Site, trust: FileTrust) {
        self.site = site
        self.trust = trust
    }

    /// The findings: the host's first, then its bridges', then the VMs'.
    ///
    /// - Parameter words: names of VMs and bridges; none for all of them. The host itself is always examined.
    /// - Throws: `.notFound` for a word that names neither.
    package func findings(for words: [String] = []) throws(VMError) -> [Finding] {
        var unseen: [VMError] = []
        let network = NetworkSurvey(noting: &unseen)
        let (bridges, inventory) = try subjects(words, network)
        let entries = inventory.entries
        unseen +=
            inventory.unseen
            + entries.filter(\.isStray).map { entry in
                VMError(
                    .busy, entry.name,
                    "runs on although its run-time files were removed: kvmctl can't reach it any longer",
                    remedy: "shut its guest down from inside, and start it again")
            }
        let context = PlanningContext(site, trust: trust, keepsProbes: true)
        let host = HostCondition(context.host, trust, noting: &unseen)
        let files = entries.map { entry in Result { () throws(VMError) in try context.file(at: entry.file) } }
        let machines = zip(entries, files).map { entry, file in
            MachineCondition(entry, file, network: network, in: context)
        }
        unseen += files.compactMap { file in
            if case .failure(let error) = file, error.code == .denied { error } else { nil }
        }
        let filters = FilterCondition(noting: &unseen)
        let held = HostResource.held(site.paths, noting: &unseen).filter { held in
            words.isEmpty || held.owner == held.resource || machines.contains { $0.name == held.owner }
        }
        let readable = files.compactMap { try? $0.get() }
        let otherVMs =
            words.isEmpty ? [] : self.otherVMs(of: readable, in: context, noting: &unseen)
        let found = DoctorFacts(
            isRoot: geteuid() == 0, host: host, places: PlaceSurvey.places(site.paths, disksOf: readable),
            machines: machines, otherVMs: otherVMs,
            bridges: network.bridges(words.isEmpty ? nil : bridges, of: machines),
            waysOut: network.waysOut, filters: filters, held: held, unseen: unseen
        ).findings
        let guests = GuestSurvey(words.isEmpty ? [] : entries, of: site)
        return guests.joined(to: found) + (site.settingsFault.map { [.unusableSettings($0)] } ?? [])
    }

    /// The other VMs, when only some are examined.
    private func otherVMs(
        of files: [VMFile], in context: PlanningContext, noting unseen: inout [VMError]
    ) -> [OtherVM] {
        do throws(VMError) {
            let found = try context.otherVMs(besides: files)
            unseen += context.unseen
            return found
        } catch {
            unseen.append(error)
            return []
        }
    }

    /// The bridges and VMs that the words name. A name of both a VM and a bridge means the VM.
    private func subjects(
        _ words: [String], _ network: NetworkSurvey
    ) throws(VMError) -> (bridges: [String], Inventory) {
        guard !words.isEmpty else { return ([], site.inventory(asking: false)) }
        var bridges: [String] = []
        var entries: [VMEntry] = []
        for (word, found) in zip(words, site.find(words)) {
            do throws(VMError) {
                entries.append(try found.get().entry())
            } catch {
                guard error.code == .notFound, !word.contains("/") else { throw error }
                guard let bridge = network.bridge(called: word) else { throw Self.unknown(word) }
                bridges.append(bridge)
            }
        }
        return (bridges, Inventory(entries: entries))
    }

    private static func unknown(_ word: String) -> VMError {
        VMError(
            .notFound, word, "is neither a VM nor a bridge on this host",
            remedy: "\(command: "kvmctl list") shows the VMs, \(command: "kvmctl net show") the bridges")
    }
}
