import SystemPackage

/// Where a setting that is in force comes from.
package enum SettingOrigin: Equatable, Sendable {
    /// Nobody chose it.
    case standard
    /// A variable of the environment.
    case environment(String)
    /// A line of a settings file, from 1.
    case file(FilePath, line: Int)
}

extension SettingOrigin: CustomStringConvertible {
    /// In a word: `/etc/kvmctl.conf:3`.
    package var description: String {
        switch self {
        case .standard: "default"
        case .environment(let variable): variable
        case .file(let file, let line): "\(file):\(line)"
        }
    }
}

/// A setting in force.
package struct SettingInForce: Equatable, Sendable {
    /// Its key.
    package var key: SettingKey
    /// Its value as it would be written; nil: `create` decides when it runs.
    package var value: String?
    /// Where that comes from.
    package var origin: SettingOrigin

    /// Describes a setting; see the properties.
    package init(_ key: SettingKey, _ value: String?, _ origin: SettingOrigin) {
        (self.key, self.value, self.origin) = (key, value, origin)
    }
}
