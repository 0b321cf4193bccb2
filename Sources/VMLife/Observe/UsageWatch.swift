import BridgeKernel
import BridgeNet
import SystemPackage
import VMCore
import VMHost

/// What a VM uses, and what it has used since the look before.
package struct VMUsage: Sendable {
    /// The VM.
    package var entry: VMEntry
    /// What its process has; nil: it has none, or that is not known.
    package var usage: ProcessUsage?
    /// Nil at its first look.
    package var rates: UsageRates?

    /// A VM's usage; see the properties.
    package init(_ entry: VMEntry, usage: ProcessUsage?, rates: UsageRates?) {
        (self.entry, self.usage, self.rates) = (entry, usage, rates)
    }
}

/// Looks again and again at what VMs use, in /proc and by netlink: no QEMU is asked, so that none can keep it waiting.
package struct UsageWatch {
    /// What could not be looked at the last time.
    package private(set) var unseen: [VMError] = []
    private let site: Site
    private let words: [String]
    private let began = ContinuousClock.now
    /// What was seen the last time. Processes are told apart by their start times too, as pids are used again.
    private var samples: [ProcessIdentity: UsageSample] = [:]

    /// Watches the VMs that these words name; all that run, if there are none.
    package init(_ site: Site, of words: [String]) { (self.site, self.words) = (site, words) }

    /// The VMs now. One that has started since has no rates yet.
    package mutating func look() -> [VMUsage] {
        let inventory = words.isEmpty ? site.inventory(asking: false) : site.inventory(of: words, asking: false)
        unseen = inventory.unseen
        let counts = Self.counts(of: inventory.entries)
        var seen: [ProcessIdentity: UsageSample] = [:]
        var found: [VMUsage] = []
        for entry in inventory.entries where !words.isEmpty || entry.process != nil {
            var vm = VMUsage(entry, usage: entry.process.flatMap { ProcessUsage(of: $0) }, rates: nil)
            if let process = entry.process, let usage = vm.usage {
                let sample = UsageSample(
                    time: began.duration(to: .now).microseconds, processorTime: usage.processorTime.microseconds,
                    storage: UsageSample.Traffic(storageOf: process), links: entry.traffic(among: counts))
                vm.rates = samples[process].map { UsageRates(from: $0, to: sample) }
                seen[process] = sample
            }
            found.append(vm)
        }
        samples = seen
        return found
    }

    /// What the interfaces of VMs have carried, by name; those that are missing, or that the kernel does not count, are left out.
    private static func counts(of entries: [VMEntry]) -> [String: PacketCounts] {
        let names = entries.flatMap { $0.vm?.nics ?? [] }.compactMap { $0.tap.flatMap { InterfaceName($0) } }
        guard !names.isEmpty, var socket = try? RouteSocket() else { return [:] }
        var found: [String: PacketCounts] = [:]
        for name in names { found[name.description] = (try? socket.packetCounts(of: name)) ?? nil }
        return found
    }
}

extension VMEntry {
    /// What its network cards have carried, as the guest sees it.
    fileprivate func traffic(among counts: [String: PacketCounts]) -> [String: UsageSample.Traffic] {
        var found: [String: UsageSample.Traffic] = [:]
        for nic in vm?.nics ?? [] {
            guard let tap = nic.tap, let counts = counts[tap] else { continue }
            // A tap receives what the guest sends; a macvtap is itself the guest's end.
            let isTap = if case .macvtap = nic.network { false } else { true }
            found[tap] =
                isTap
                ? .init(inward: counts.bytesSent, outward: counts.bytesReceived)
                : .init(inward: counts.bytesReceived, outward: counts.bytesSent)
        }
        return found
    }
}
