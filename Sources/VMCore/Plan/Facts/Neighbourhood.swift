import BridgeNet
import SystemPackage

/// Something that one VM has only for itself while it runs.
package enum Claim: Hashable, Sendable {
    /// A name.
    case name(VMName)
    /// A UUID, in small letters: by it guests' licences, and what watches VMs, tell them apart.
    case uuid(String)
    /// An address on a network.
    case station(segment: String, mac: String)
    /// The name of a tap or macvtap.
    case interface(InterfaceName)
    /// A port of the host's, of whichever address.
    case port(PortForward.Transport, UInt16)
    /// A disk or CD.
    case file(FilePlace)
    /// The same, where the guest writes to it.
    case written(FilePlace)
    /// Its own params file.
    case definition(FilePlace)
}

/// The other VMs of the host, found by what they claim: to look at each of a thousand for each of a thousand would take
/// minutes.
package struct Neighbourhood: Equatable, Sendable {
    private var all: [Neighbour] = []
    private var positions: [Claim: [Int]] = [:]
    /// The memory of those that run.
    private(set) var memoryInUse: Int64 = 0
    /// The memory of all.
    private(set) var memory: Int64 = 0

    /// Nobody, or nobody was looked for.
    package init() {}

    /// Takes the VMs of a host.
    package init(_ neighbours: some Sequence<Neighbour>) {
        for neighbour in neighbours { add(neighbour) }
    }

    package mutating func add(_ neighbour: Neighbour) {
        for claim in Set(neighbour.claims) { positions[claim, default: []].append(all.count) }
        all.append(neighbour)
        memory = Self.sum(memory, neighbour.memory)
        if neighbour.isRunning { memoryInUse = Self.sum(memoryInUse, neighbour.memory) }
    }

    /// How many they are.
    var count: Int { all.count }

    /// Those that claim something, in the order that they were added.
    package func holders(of claim: Claim) -> some RandomAccessCollection<Neighbour> {
        (positions[claim] ?? []).lazy.map { all[$0] }
    }

    /// What others can be expected to be, in sizes that a file can say.
    private static func sum(_ memory: Int64, _ more: ByteCount) -> Int64 {
        let (sum, overflow) = memory.addingReportingOverflow(more.bytes)
        return overflow ? .max : sum
    }
}
