import SystemPackage

extension VMParams {
    /// `CLOUDINIT_USERDATA`, `CLOUDINIT_NETWORK`, `CLOUDINIT_HOSTNAME`; at least one of them.
    package struct CloudInit: Equatable, Sendable {
        /// `CLOUDINIT_USERDATA`, absolute.
        package var userData: Setting<FilePath>?
        /// `CLOUDINIT_NETWORK`, absolute.
        package var networkConfig: Setting<FilePath>?
        /// `CLOUDINIT_HOSTNAME`; nil: made from the VM's name.
        package var hostname: Setting<String>?

        /// The files.
        package var files: [Setting<FilePath>] { [userData, networkConfig].compactMap(\.self) }
        /// What asks for a seed.
        package var origin: Origin { files.first?.origin ?? hostname?.origin ?? .everyVM }
    }
}
