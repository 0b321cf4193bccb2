import BridgeNet

/// What a guest shows, from all sources, at one moment: gathered before it is judged, so that judging is pure.
package struct GuestEvidence: Sendable {
    /// The VM.
    package var vm: VMName
    /// Its params file.
    package var file: String
    /// What the VM is doing.
    package var state = VMState.running
    /// Why QEMU paused it.
    package var pause: PauseReason?
    /// Why it ended, in QEMU's term.
    package var endReason: String?
    /// The command that asked it to stop, if a guest that shut down did so for that.
    package var stopRequest: VMEvent?
    /// What it writes on its serial console.
    package var console = BootProgress()
    /// Whether that can be read.
    package var hasConsole = true
    /// How far its console said it was when it was suspended, if it goes on from there and has not rebooted since; nil: it
    /// does not.
    package var stageBefore: BootStage?
    /// How long it has written nothing there; nil: not known.
    package var silentFor: Duration?
    /// What its firmware says; nothing if there is no log of that.
    package var firmware = FirmwareLog()
    /// What its screen shows.
    package var screen = Screen.unseen
    /// The last stage that the screen has shown in this boot, whatever it shows now.
    package var screenReached = BootStage.unknown
    /// Its guest agent.
    package var agent = Agent.unknown
    /// When it rebooted by itself, in microseconds since the epoch: one time for each reboot.
    package var reboots: [Int64] = []
    /// Whether all its processors stand still with interrupts off.
    package var isFrozen = false
    /// Whether one of its processors waits for something to do: a kernel that has panicked spins on one, and has the others
    /// stand still with interrupts off.
    package var isIdle = false
    /// Its addresses, and what was seen of each NIC; nil if nobody looked.
    package var addresses: AddressReport?
    /// What connections to its ports came to.
    package var ports: [UInt16: PortAnswer] = [:]
    /// How far its clock is ahead of the host's, by its agent; nil if that did not say.
    package var clockError: Duration?
    /// How long ago its power button was first pressed in this boot; nil: it was not.
    package var sincePowerButton: Duration?
    /// What could not be looked at.
    package var unseen: VMError?

    /// What a screen shows.
    package enum Screen: Sendable {
        /// Nobody looked, or it can't be.
        case unseen
        case text(BootProgress)
        /// A picture, in pixels.
        case graphics(width: Int, height: Int)
    }

    /// What is known of the guest agent.
    package enum Agent: String, Sendable {
        case unknown, absent, silent, answers
    }

    /// What became of a connection to a port of the guest.
    package enum PortAnswer: Equatable, Sendable {
        /// Something listens.
        case open
        /// Nothing listens.
        case refused
        /// No answer.
        case silent
        /// The host has no way there.
        case unreachable
        /// No address of the guest's is known.
        case noAddress
    }

    package init(vm: VMName, file: String) { (self.vm, self.file) = (vm, file) }

    /// How far the guest is.
    package var stage: BootStage {
        if agent == .answers { return .up }
        return max(
            console.shownStage, stageBefore ?? .unknown, screenReached, screenProgress?.shownStage ?? .unknown,
            // That it has booted something is not how far the guest is, if so much came that its boot is no longer seen.
            console.length > Self.mostOfLoader ? .unknown : firmware.stage)
    }

    /// No boot loader writes more on a console.
    private static let mostOfLoader = 64 << 10

    var screenProgress: BootProgress? { if case .text(let progress) = screen { progress } else { nil } }

    /// How long a guest may take to show that it heard the power button.
    static let reaction = Duration.seconds(8)
    /// How far a clock may be off. Soon after that one-time passwords, leases and timestamps between hosts go wrong, and
    /// `resume` tells from the same on that a guest is behind.
    package static let clockTolerance = Duration.seconds(5)

    /// Whether its power button was pressed, and it has shown nothing since.
    var ignoresPowerButton: Bool {
        guard state == .running, let sincePowerButton, sincePowerButton > Self.reaction else { return false }
        // One that is shutting down says so.
        return silentFor.map { $0 + .seconds(1) > sincePowerButton } ?? true
    }

    /// How many reboots with nothing that works in between are a loop.
    static let loop = 3
    /// How long a boot takes at most that counts for a loop, in microseconds.
    static let longestBoot: Int64 = 180_000_000

    /// Whether it reboots again and again.
    var isRebooting: Bool {
        guard reboots.count >= Self.loop, stage != .up else { return false }
        let last = reboots.suffix(Self.loop)
        return zip(last, last.dropFirst()).allSatisfy { $1 - $0 < Self.longestBoot }
    }
}

extension GuestEvidence {
    /// What shows that it is up.
    package var signOfUp: String {
        if agent == .answers { return "the guest agent answers" }
        if console.shownStage == .up { return "its console shows that it is up" }
        return stageBefore == .up
            ? "its console showed that it was up before it was suspended" : "its screen shows that it is up"
    }
}
