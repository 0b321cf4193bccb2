import Foundation
import Testing

/// What a file says, what a plan is and what a report says must not depend on the machine that works it out. The compiler
/// holds the order of the targets; that these open nothing is held here, by what their files import and by the few names with
/// which the modules that they may import reach the host.
@Suite struct LayerTests {
    /// A file of a pure target, and the first thing in it that reaches the host.
    private static func violation(in text: String, allowed: Set<String>) -> String? {
        let imports = text.matches(of: #/(?m)^[ \t]*(?:@\w+[ \t]+)*(?:\w+[ \t]+)?import[ \t]+(?:\w+[ \t]+)?(\w+)/#)
        if let module = imports.map({ String($0.1) }).first(where: { !allowed.contains($0) }) {
            return "import \(module)"
        }
        // SystemPackage opens files, and the standard library reads the clock and draws random numbers.
        let host =
            #/\b(FileDescriptor|ProcessInfo|FileManager|(Data|String)\(contentsOf)|\.now\b|\bUUID\(\)|\bDate\(\)|\.random\b/#
        return text.split(separator: "\n").lazy.filter { !$0.drop { $0 == " " }.hasPrefix("//") }
            .compactMap { $0.firstMatch(of: host).map { String($0.output.0) } }.first
    }

    private static let allowed: [String: Set<String>] = [
        "BridgeNet": ["SystemPackage"],
        "VMCore": ["BridgeNet", "SystemPackage"],
        // The values that it renders are made in the last two.
        "VMReports": ["BridgeNet", "SystemPackage", "VMCore", "VMHost", "VMLife"],
    ]

    @Test(arguments: ["BridgeNet", "VMCore", "VMReports"]) func pureTargetsOpenNothing(_ target: String) throws {
        let files = try SourceTree.swiftFiles(below: "Sources/\(target)")
        #expect(files.count > 20)
        let allowed = try #require(Self.allowed[target])
        for file in files {
            #expect(Self.violation(in: file.text, allowed: allowed) == nil, "\(file.name)")
        }
    }

    /// A release is built with a module in Foundation's place that has only what ArgumentParser needs of it.
    @Test func nothingNeedsFoundation() throws {
        for file in try SourceTree.swiftFiles(below: "Sources") {
            #expect(!file.text.contains("import Foundation"), "\(file.name)")
        }
    }

    /// What somebody might write into a pure file.
    @Test(arguments: [
        "import Glibc\n\nlet opened = socket(AF_INET, SOCK_STREAM, 0)",
        "import CLinux\n\nlet opened = clinux_netlink_open()",
        "@preconcurrency import Foundation",
        "private import Glibc",
        "import struct Glibc.stat",
        "import SystemPackage\n\nlet file = try FileDescriptor.open(path, .readOnly)",
        "import FoundationEssentials\n\nlet text = try Data(contentsOf: url)",
        "let uuid = UUID()",
        "let begun = ContinuousClock.now",
    ])
    func seesThrough(_ text: String) {
        #expect(Self.violation(in: text, allowed: Self.allowed["VMCore"] ?? []) != nil)
    }

    /// A layer's target names only those below it, so that the compiler refuses what would lead up.
    @Test func targetsDependDownwards() throws {
        let order = [
            "CCapNG", "CLinux", "BridgeNet", "BridgeKernel", "VMCore", "VMHost", "VMLife", "VMReports", "KVMCtl",
        ]
        let text = try String(contentsOf: SourceTree.url("Package.swift"), encoding: .utf8)
        let targets = text.matches(
            of: #/(?s)\.(?:target|executableTarget)\(\s*name: "(\w+)",\s*dependencies: \[(.*?)\]/#)
        #expect(targets.count >= 7)
        for target in targets where order.contains(String(target.1)) {
            let place = try #require(order.firstIndex(of: String(target.1)))
            let names = target.2.matches(of: #/"(\w+)"/#).compactMap { order.firstIndex(of: String($0.1)) }
            #expect(names.allSatisfy { $0 < place }, "\(target.1)")
            if ["VMCore", "BridgeNet"].contains(String(target.1)) {
                #expect(!target.2.contains("CLinux") && !target.2.contains("BridgeKernel"), "\(target.1) is pure")
            }
        }
    }
}
