import ArgumentParser
import BridgeNet
import Glibc
import VMCore
import VMHost
import VMLife
import VMReports

/// `kvmctl ip`.
struct IP: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ip", _superCommandName: Root.name,
        abstract: "Print the addresses of guests, and where they were learned from.",
        discussion: """
            Asks the guest agent, kvmctl's DHCP server and the host's neighbour table. As root it also listens to \
            DHCP, ARP and IPv6 neighbour discovery on the VM's interface, so that neither an agent nor a DHCP server \
            on the host is needed. Prints one address per line, the best first: `ssh root@$(kvmctl ip web | head -1)`. \
            With several VMs, each line starts with the VM's name; with --all, those that run. On a terminal it prints a table.
            """)

    @OptionGroup var targets: RunningTargets

    @Option(
        help: "Wait this long for an address that the guest certainly has; if none comes, say what was seen.",
        transform: OptionValue.duration)
    var wait: Duration?

    @Flag(name: [.customShort("4"), .customLong("ipv4")], help: "IPv4 only.")
    var ipv4 = false

    @Flag(name: [.customShort("6"), .customLong("ipv6")], help: "IPv6 only.")
    var ipv6 = false

    @Option(help: "Only the NIC with this number, as in NETn.")
    var nic: Int?

    @Flag(help: "Also print link-local addresses, which work only on the guest's link.")
    var any = false

    @Flag(help: "Print a table, with NICs and sources, even if the output is not a terminal.")
    var table = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if ipv4, ipv6 { throw ValidationError("-4 and -6 exclude each other; without them both are printed") }
    }

    func run() throws {
        try output.list(.ip) { results in
            var found: [AddressReport] = []
            // People get the addresses of all VMs at the end, as one table.
            defer { if output.format.isForPeople { output.print(IPListReport(found, layout: layout)) } }
            try ask(results) { found.append($0) }
        }
    }

    private var layout: IPListReport.Layout {
        if table || isatty(STDOUT_FILENO) == 1 { return .table }
        return !targets.all && targets.vms.count == 1 ? .addresses : .namedAddresses
    }

    private func ask(_ results: VMResults, tell: (AddressReport) -> Void) throws {
        let deadline = wait.map { Deadline(in: $0) }
        let wish = AddressFilter(family: ipv4 ? .ipv4 : ipv6 ? .ipv6 : nil, nic: nic, linkLocal: any)
        // Listening starts for all VMs before the first is waited for: the kernel queues what the others send
        // meanwhile.
        let prepare = { (vm: Machine) throws -> AddressSearch? in
            try vm.refuseAnothers()
            return try vm.addressSearch(wish)
        }
        try targets.forEach(results, prepare, holding: AddressSearch.descriptors) { search in
            let report = try search.report(waitingUntil: deadline)
            tell(report)
            results.add(IPReport(report))
            report.notices.forEach { Message.note($0, about: report.vm) }
            if let problem = report.problem(after: wait) { throw problem }
        }
    }
}
