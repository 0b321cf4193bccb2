import BridgeNet

// The commands of the guest agent that kvmctl sends (QEMU, docs/interop/qemu-ga-ref), by what they return. The guest
// controls every reply.

extension QMPRequest<Int64> {
    /// Has the agent discard what it has read in part, and return `number` after a delimiter.
    package static func synchronize(_ number: Int64) -> Self {
        .init("guest-sync-delimited", ["id": .integer(number)]) { $0.integer }
    }

    /// Freezes the guest's file systems, and returns how many.
    package static var freeze: Self { .init("guest-fsfreeze-freeze") { $0.integer } }

    /// Thaws the guest's file systems, and returns how many.
    package static var thaw: Self { .init("guest-fsfreeze-thaw") { $0.integer } }
}

extension QMPRequest<Void> {
    /// Has the guest's own init shut it down. There is no reply if that works.
    package static var shutDown: Self { .init("guest-shutdown", ["mode": "powerdown"]) }
}

/// Whether the guest's file systems are frozen, in the agent's words (GuestFsfreezeStatus).
package enum FreezeState: String, Sendable { case frozen, thawed }

extension QMPRequest<FreezeState> {
    /// The state of the guest's file systems.
    package static var freezeState: Self { .init("guest-fsfreeze-status") { $0.string.flatMap(FreezeState.init) } }
}

extension QMPRequest<[AgentInterface]> {
    /// The guest's network interfaces.
    package static var interfaces: Self {
        .init("guest-network-get-interfaces") { $0.array?.map { AgentInterface($0) } }
    }
}
