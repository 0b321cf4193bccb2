import SystemPackage
import VMCore
import VMHost

extension Site {
    /// Every setting, with where its value comes from.
    package var settingsInForce: [SettingInForce] {
        SettingKey.allCases.map { key in
            let written = [.roots, .images].contains(key) ? nil : settings.line(of: key)?.value
            return SettingInForce(key, written ?? key.standard ?? usual(key), origin(of: key))
        }
    }

    /// What depends on who asks.
    private func usual(_ key: SettingKey) -> String {
        switch key {
        case .createNet: NewVM.Defaults(isRoot: isRoots).network.description
        case .images: paths.images.map(\.string).joined(separator: ":")
        default: paths.roots.map(\.string).joined(separator: ":")
        }
    }

    /// What to say of roots that do not exist; nil: nothing. A default root may well be missing.
    ///
    /// - Parameter others: Whether there are VMs elsewhere.
    package func note(ofMissing roots: [FilePath], besides others: Bool) -> String? {
        guard !roots.isEmpty, paths.namesRoots || !others && roots.count == paths.roots.count else { return nil }
        let names = roots.map(\.string).joined(separator: " and ")
        let missing = "\(names) \(roots.count == 1 ? "does" : "do") not exist"
        return paths.namesRoots
            ? "\(missing), but \(origin(of: .roots)) says that VMs are there"
            : "there are no VMs yet: \(missing); kvmctl create makes the first one"
    }

    private func origin(of key: SettingKey) -> SettingOrigin {
        if key == .roots, environmentNamesRoots { return .environment("KVMCTL_VMS") }
        if key == .images, environmentNamesImages { return .environment("KVMCTL_IMAGES") }
        return settings.line(of: key).map { .file($0.file, line: $0.number) } ?? .standard
    }
}
