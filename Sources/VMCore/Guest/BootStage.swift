/// How far a guest has come with booting, as far as it shows.
package enum BootStage: String, CaseIterable, Comparable, Sendable {
    /// Nothing that tells.
    case unknown
    /// SeaBIOS or OVMF looks for something to boot.
    case firmware
    /// GRUB or another one is about to load a kernel.
    case bootLoader
    /// The kernel runs.
    case kernel
    /// The initramfs looks for the root file system.
    case initramfs
    /// init starts services.
    case initSystem = "init"
    /// It is up: somebody can log in, or init has started everything.
    case up

    /// In the order in which a boot passes them.
    package static func < (one: BootStage, other: BootStage) -> Bool { one.position < other.position }

    private var position: Int {
        switch self {
        case .unknown: 0
        case .firmware: 1
        case .bootLoader: 2
        case .kernel: 3
        case .initramfs: 4
        case .initSystem: 5
        case .up: 6
        }
    }

    /// For people, as the last stage that was reached.
    package var words: String {
        switch self {
        case .unknown: "none that it shows"
        case .firmware: "firmware"
        case .bootLoader: "boot loader"
        case .kernel: "kernel"
        case .initramfs: "initramfs"
        case .initSystem: "init"
        case .up: "up"
        }
    }
}

/// What a line of a console says about the stage: text that no other stage prints.
enum StageSigns {
    /// The signs of each stage; the later ones count where a line has several.
    static let all: [(stage: BootStage, signs: [String])] = [
        (.firmware, ["SeaBIOS (version", "Booting from ", "BdsDxe: ", "iPXE "]),
        (.bootLoader, ["GNU GRUB ", "Welcome to GRUB", "GRUB loading", "ISOLINUX ", "SYSLINUX ", "Loading Linux"]),
        (.kernel, [kernelBegins, "Decompressing Linux", "Booting the kernel", "EFI stub: ", "Kernel panic - "]),
        (
            .initramfs,
            ["Run /init as init process", "Loading, please wait...", "Begin: Mounting root", "dracut-", " in initrd"]
        ),
        (
            .initSystem,
            [
                "Run /sbin/init as init process", "systemd[1]: ", "INIT: version ", "OpenRC ", "[  OK  ]", "[FAILED]",
                "[DEPEND]", "Welcome to Debian", "Welcome to Ubuntu", "Welcome to Fedora",
            ]
        ),
        (
            .up,
            [
                "Reached target Multi-User", "Reached target multi-user.target", "Reached target Graphical",
                "Reached target graphical.target", "Startup finished in ", " login: ", "Cloud-init v",
            ]
        ),
    ]

    /// A kernel's first message: where a guest that ran already says it, it has rebooted.
    static let kernelBegins = "Linux version "

    /// How a line ends that asks for a name: agetty(8), login(1).
    static let loginPrompt = Array("login:".utf8)
}
