/// What a new VM has if nothing else is said: what `create` does without options.
package struct CreateDefaults: Equatable, Sendable {
    /// Its memory.
    package var memory = ByteCount(bytes: 1 << 30)
    /// Its virtual processors.
    package var cpus = 1
    /// The sizes of its disks.
    package var disks: [ByteCount] = []
    /// Its networks; nil: the settings name none, not even `none`.
    package var networks: [Network]?
    /// Its VNC display.
    package var vnc = VNCDisplay.auto
}
