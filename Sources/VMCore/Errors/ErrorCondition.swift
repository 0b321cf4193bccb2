import BridgeNet
import SystemPackage

extension VMError {
    /// The cause of an error as a value, for code that has to tell it from another: the words are for people alone.
    ///
    /// Errors with the same condition have the same cause, wherever it hits, and it is reported once.
    package enum Condition: Hashable, Sendable {
        /// This QEMU binary can't be run; nil: there is none.
        case qemu(FilePath?)
        /// A file can't be used as a params file wants.
        case file(FilePath, FileFault)
        /// A bridge can't be used as a params file wants.
        case bridge(DeviceName, BridgeFault)
        /// QEMU has no such kind of device.
        case noQEMUDevice(OptionalDevice)
        /// The host has no such device.
        case noDevice(DeviceName)
        /// No macvtap can sit on the device.
        case unfitDevice(InterfaceName)
        /// The host can't make taps.
        case noTaps
        /// Only root can connect a VM to this network.
        case needsRoot(Network)
        /// This is more than the MTU of what carries the frames.
        case mtu(Int, over: InterfaceName)
        /// The MAC is the host's own on the network of this bridge or device.
        case hostsMAC(MACAddress, on: InterfaceName)
        /// The port is in use.
        case portInUse(HostPort)
        /// Nothing can listen on the address.
        case address(String)
        /// A port below those that need no privileges.
        case reservedPort(UInt16)
        /// Another user runs the VM.
        case anothers
        /// The VM exists for one run.
        case ephemeral
        /// The port belongs to a server of the network `nat`.
        case portOfNAT(HostPort)
        /// The guest that was to become a warm image was started, and did not get as far as that.
        case guestOfWarmImage
    }

    /// What is wrong with a file.
    package enum FileFault: Hashable, Sendable {
        /// Neither it nor, perhaps, its directory exists.
        case absent
        /// It does not exist and can't be created.
        case notCreatable
        /// It is no file or device for this purpose.
        case wrongKind
        /// Somebody else can change or replace it.
        case untrusted
        case unreadable
        case unwritable
        /// Something else uses it.
        case inUse
        /// The VM itself uses it elsewhere.
        case usedTwice
        /// Its content is not of the expected kind, or is damaged.
        case content
        /// It can't be opened with O_DIRECT.
        case noDirectIO
    }

    /// What is wrong with a bridge.
    package enum BridgeFault: Hashable, Sendable {
        case absent
        /// Another device has its name.
        case otherKind
        case down
        /// It does not separate VLANs.
        case mixesVLANs
        /// It has as many ports as a bridge can have.
        case full
    }
}
