// swift-tools-version: 6.2
import PackageDescription

let swift: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
// Most of what these do is done once in a command. The rest is compiled for speed.
let small = swift + [.unsafeFlags(["-Osize"], .when(configuration: .release))]
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

let package = Package(
    name: "kvmctl",
    products: [
        .executable(name: "kvmctl", targets: ["KVMCtl"]),
        .library(name: "BridgeNet", targets: ["BridgeNet", "BridgeKernel"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .executableTarget(
            name: "KVMCtl",
            dependencies: [
                "VMReports", "VMLife", "VMHost", "VMCore", "BridgeKernel", "BridgeNet", "CLinux", system,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: small),
        .target(
            name: "VMReports", dependencies: ["VMLife", "VMHost", "VMCore", "BridgeNet", system],
            swiftSettings: swift),
        .target(
            name: "VMLife",
            dependencies: ["VMHost", "VMCore", "BridgeKernel", "BridgeNet", "CLinux", system], swiftSettings: swift),
        .target(
            name: "VMHost", dependencies: ["VMCore", "BridgeKernel", "BridgeNet", "CLinux", system],
            swiftSettings: small),
        .target(name: "VMCore", dependencies: ["BridgeNet", system], swiftSettings: swift),
        .target(name: "BridgeKernel", dependencies: ["BridgeNet", "CLinux", system], swiftSettings: swift),
        .target(name: "BridgeNet", dependencies: [system], swiftSettings: swift),
        .target(
            name: "CLinux", dependencies: ["CCapNG"],
            cSettings: [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)]),
        .systemLibrary(name: "CCapNG", pkgConfig: "libcap-ng", providers: [.apt(["libcap-ng-dev"])]),
        // Not a product: only `make bench` runs it.
        .executableTarget(
            name: "TapBench", dependencies: ["BridgeKernel", "BridgeNet", system], path: "Benchmarks/TapBench",
            swiftSettings: swift),
        .testTarget(
            name: "VMTests", dependencies: ["VMCore", "VMHost", "VMLife", "VMReports", "BridgeKernel"],
            resources: [.copy("Fixtures")], swiftSettings: swift),
        .testTarget(
            name: "VMReportsTests",
            dependencies: ["VMReports", "VMLife", "VMHost", "VMCore", "BridgeNet", system], swiftSettings: swift),
        .testTarget(name: "BridgeNetTests", dependencies: ["BridgeKernel", "BridgeNet"], swiftSettings: swift),
    ],
    swiftLanguageModes: [.v6]
)

// libFuzzer provides the fuzzer's main, so it links only with the sanitizers that `make fuzz` asks for.
if Context.environment["KVMCTL_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "DecoderFuzzer", dependencies: ["BridgeKernel", "BridgeNet", system], path: "Tests/Fuzz",
            exclude: ["corpus", "record-seeds"], swiftSettings: swift + [.unsafeFlags(["-parse-as-library"])]))
}
