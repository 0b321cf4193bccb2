import SystemPackage
import Testing

@testable import VMCore
@testable import VMReports

/// One document on several VMs, some of which failed (docs/json.md, Failures).
@Suite struct VMResultsTests {
    private let removed: RemoveReport

    init() throws {
        removed = RemoveReport(try Sample.name, isDryRun: false, removed: ["/vms/web/vm.params"], kept: [])
    }

    @Test func elementsKeepTheOrder() {
        let results = VMResults(.remove)
        results.turn(to: 1)
        results.add(removed)
        results.turn(to: 0)
        results.fail("no such", VMError(.notFound, "no such", "is not there", remedy: "look"))
        #expect(
            results.rendered(as: .json) == """
                [
                  {
                    "error": {
                      "code": 66,
                      "message": "no such: is not there\\n  look"
                    },
                    "name": "no such",
                    "schema": "kvmctl.rm/1"
                  },
                  {
                    "dryRun": false,
                    "kept": [],
                    "name": "web",
                    "removed": [
                      "/vms/web/vm.params"
                    ],
                    "schema": "kvmctl.rm/1"
                  }
                ]

                """)
        // People got each result as it came.
        #expect(results.rendered(as: .text) == "")
    }

    /// A command that fails before it gets to a VM has one element, without a name.
    @Test func aFailureOfTheWholeCommand() {
        let results = VMResults(.stop)
        #expect(results.isEmpty)
        results.fail(nil, Sample.error)
        #expect(!results.isEmpty)
        #expect(
            results.json == [
                [
                    "schema": "kvmctl.stop/1", "name": .null,
                    "error": ["code": 75, "message": "web: is busy\n  wait"],
                ]
            ])
    }

    /// What was known before the failure stays: `ip` has all that it saw of the guest.
    @Test func whatIsKnownStays() throws {
        let results = VMResults(.ip)
        results.turn(to: 0)
        results.add(IPReport(try Sample.addresses("web")))
        results.fail("/vms/1/", VMError(.timedOut, "web", "no address in 1 s"))
        let element = results.objects.first
        #expect(element?["name"] == "web")
        #expect(element?["addresses"]?.array?.count == 1)
        #expect(element?["error"]?["code"] == 124)
    }

    /// A VM that is skipped has no element.
    @Test func aVMWithoutResults() throws {
        let results = VMResults(.ip)
        results.turn(to: 0)
        results.turn(to: 1)
        results.add(IPReport(try Sample.addresses("web")))
        results.turn(to: 2)
        #expect(results.objects.count == 1)
    }

    /// `check` has a verdict on every VM, even on one that could not be found.
    @Test func checkJudgesEveryVM() throws {
        let results = VMResults(.check, failing: CheckReport.failed)
        results.turn(to: 0)
        results.add(CheckReport(try Sample.name, file: "/vms/web/vm.params", .failed(Sample.error)))
        results.fail("web", Sample.error)
        results.turn(to: 1)
        results.fail("nosuch", Sample.error)
        #expect(results.objects.allSatisfy { $0["ok"] == false && $0["messages"] == ["web: is busy\n  wait"] })
        #expect(results.objects.map { $0["params"] } == ["/vms/web/vm.params", nil])
        #expect(results.objects.allSatisfy { $0["error"]?["code"] == 75 })
    }

    @Test(arguments: RenderingTests.words) func anyNameAndMessage(_ word: String) throws {
        let results = VMResults(.start)
        results.turn(to: 0)
        results.fail(word, VMError(.busy, word, word))
        let text = results.rendered(as: .json)
        #expect(Printable.escaped(text, keeping: ["\n"]) == text)
        #expect(try JSON(parsing: Array(text.utf8)) == results.json)
        #expect(results.objects.first?["name"] == .string(word))
    }

    /// The codes of sysexits(3), which scripts rely on.
    @Test func exitCodes() {
        let codes: [(VMError.Code, Int32)] = [
            (.partial, 1), (.usage, 64), (.badData, 65), (.notFound, 66), (.unavailable, 69), (.bug, 70),
            (.cannotCreate, 73), (.busy, 75), (.denied, 77), (.timedOut, 124),
        ]
        for (code, number) in codes { #expect(code.exitCode == number) }
    }
}
