import SystemPackage
import VMCore

/// `kvmctl settings`: the settings in force.
package struct SettingsReport: Report {
    private let settings: [SettingInForce]

    /// Reports these settings, in this order.
    package init(_ settings: [SettingInForce]) { self.settings = settings }

    /// What a setting is.
    package var schema: Schema { .setting }

    /// An object for each.
    package var content: Content { .array(settings.map(\.members)) }

    /// A row for each.
    package var text: [TextBlock] {
        var table = Table("KEY", "VALUE", "FROM", "PURPOSE")
        for setting in settings {
            table.add(setting.key.rawValue, setting.value, setting.origin.description, setting.key.summary)
        }
        return [.table(table)]
    }
}

extension SettingInForce {
    fileprivate var members: Members {
        var members: Members = [
            "key": .string(key.rawValue), "value": .string(value), "file": .null, "line": .null, "variable": .null,
            "default": .optional(key.standard), "example": .string(key.example), "summary": .string(key.summary),
        ]
        switch origin {
        case .standard: break
        case .environment(let variable): members["variable"] = .string(variable)
        case .file(let file, let line):
            members["file"] = .string(file.string)
            members["line"] = .int(line)
        }
        return members
    }
}
