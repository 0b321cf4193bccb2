import BridgeNet
import SystemPackage

/// Something that two running VMs can't share.
package enum Claim: Hashable, Sendable {
    /// A name.
    case name(VMName)
    /// A UUID, in lower case: guests' licences and monitoring tell VMs apart by it.
    case uuid(String)
    /// An address on a network.
    case station(segment: String, mac: String)
    /// The name of a tap or macvtap.
    case interface(InterfaceName)
    /// A host port, on any address.
    case port(PortForward.Transport, UInt16)
    /// A disk or CD.
    case file(FilePlace)
    /// The same, where the guest writes to it.
    case written(FilePlace)
    /// Its own params file.
    case definition(FilePlace)
}

/// The other VMs on the host, indexed by what they claim: comparing each of a thousand VMs with all others would take
/// minutes.
package struct OtherVMs: Equatable, Sendable {
    private var all: [OtherVM] = []
    private var positions: [Claim: [Int]] = [:]
    /// The memory of the running VMs.
    private(set) var memoryInUse: Int64 = 0
    /// The memory of all VMs.
    private(set) var memory: Int64 = 0

    /// There are no other VMs, or they were not looked for.
    package init() {}

    /// The VMs of a host.
    package init(_ vms: some Sequence<OtherVM>) {
        for vm in vms { add(vm) }
    }

    package mutating func add(_ vm: OtherVM) {
        for claim in Set(vm.claims) { positions[claim, default: []].append(all.count) }
        all.append(vm)
        memory = Self.sum(memory, vm.memory)
        if vm.isRunning { memoryInUse = Self.sum(memoryInUse, vm.memory) }
    }

    /// How many VMs there are.
    var count: Int { all.count }

    /// Those that claim something, in the order that they were added.
    package func holders(of claim: Claim) -> some RandomAccessCollection<OtherVM> {
        (positions[claim] ?? []).lazy.map { all[$0] }
    }

    /// The sum, which does not overflow, whatever sizes the files name.
    private static func sum(_ memory: Int64, _ more: ByteCount) -> Int64 {
        let (sum, overflow) = memory.addingReportingOverflow(more.bytes)
        return overflow ? .max : sum
    }
}
