/// A migration: how QEMU writes a machine's memory and the state of its devices to a file (`MigrationInfo`).
package struct Migration: Equatable, Sendable {
    /// How far it is (QEMU, qapi/migration.json, MigrationStatus), as far as it matters to the one who waits for it.
    package enum Status: Equatable, Sendable {
        /// There is none.
        case none
        /// It goes on.
        case working
        /// Everything is written. The machine stands still.
        case completed
        /// It failed.
        case failed
        /// It was called off.
        case cancelled

        /// From QEMU's word. An unknown one, of a later QEMU, is a migration that has not ended.
        package init(_ name: String) {
            self =
                switch name {
                case "none": .none
                case "completed": .completed
                case "failed": .failed
                case "cancelled": .cancelled
                default: .working
                }
        }

        /// Whether nothing more will happen.
        package var isOver: Bool { self != .working }
    }

    /// How far it is.
    package var status: Status
    /// Why it failed, in QEMU's words.
    package var failure: String?
    /// Why this machine can't be migrated, in QEMU's words.
    package var obstacles: [String]

    init(_ json: JSON) {
        status = Status(json["status"]?.string ?? "none")
        failure = json["error-desc"]?.string
        obstacles = (json["blocked-reasons"]?.array ?? []).compactMap(\.string)
    }
}

extension QMPRequest<Migration> {
    /// The last migration.
    package static var migration: Self { .init("query-migrate") { Migration($0) } }
}

extension QMPRequest<Void> {
    /// The most that QEMU takes as a rate: no limit, where its own is 128 MiB a second.
    private static var unlimited: Int64 { 1 << 50 }

    /// Has migrations tell how far they are, by events.
    package static var reportMigrations: Self {
        .init("migrate-set-capabilities", ["capabilities": [["capability": "events", "state": true]]])
    }

    /// Has migrations go as fast as they can.
    package static var hurryMigrations: Self {
        .init("migrate-set-parameters", ["max-bandwidth": .integer(unlimited)])
    }

    /// Gives the descriptor that is sent along a name, until a command uses it.
    package static func keep(descriptor name: String) -> Self { .init("getfd", ["fdname": .string(name)]) }

    /// Closes the descriptor of that name.
    package static func close(descriptor name: String) -> Self { .init("closefd", ["fdname": .string(name)]) }

    /// Writes the machine to the descriptor of that name, and closes it. Goes on after the reply.
    package static func migrate(to name: String) -> Self { .init("migrate", ["uri": .string("fd:\(name)")]) }

    /// Calls a migration off. It may have ended before.
    package static var cancelMigration: Self { .init("migrate_cancel") }
}
