import SystemPackage
import VMCore
import VMHost
import VMLife
import VMReports

/// The command line of 2010: `start_a_kvm.sh PARAMS [ISO] [boot_from_cd]`.
struct StartAKVM {
    private let params: String
    private let iso: String?
    private let bootsCD: Bool

    static let usage = "usage: start_a_kvm.sh PARAMS [ISO] [boot_from_cd]"

    init(_ arguments: [String]) throws(VMError) {
        guard let params = arguments.first, arguments.count <= 3, !params.hasPrefix("-") else {
            throw VMError(.usage, "start_a_kvm.sh", Self.usage)
        }
        if arguments.count == 3, arguments[2] != "boot_from_cd" {
            throw VMError(.usage, arguments[2], "the third word can only be boot_from_cd", remedy: .advice(Self.usage))
        }
        if arguments.count == 2, arguments[1] == "boot_from_cd" {
            throw VMError(
                .usage, "boot_from_cd", "the ISO to boot from has to come before it", remedy: .advice(Self.usage))
        }
        if arguments.contains("") {
            throw VMError(.usage, "start_a_kvm.sh", "an argument is empty", remedy: .advice(Self.usage))
        }
        // In 2010 a word without a `/` was a file in the current directory, never a name.
        self.params = params.contains("/") ? params : "./\(params)"
        iso = arguments.count > 1 ? arguments[1] : nil
        bootsCD = arguments.count == 3
    }

    func run() throws {
        let site = try Site.current
        let context = PlanningContext(site, trust: try site.trust(), keepsProbes: true)
        let vm = try site.find(params, in: context)
        var options = StartOptions(cdrom: iso.map(absolutePath), bootsCDROM: bootsCD)
        options.cdromWord = "the ISO"
        let outcome = try vm.startSayingNotices(options, in: context)
        PrintedResults.print(StartReport(vm.name, outcome), as: .text)
    }
}
