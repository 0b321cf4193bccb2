import BridgeNet
import SystemPackage
import VMCore

extension Credentials {
    /// The user that QEMU runs as.
    var text: String {
        switch self {
        case .caller: "the caller, without capabilities"
        case .ownUID: "a uid of its own, without capabilities"
        case .user(let name, let uid, let gid, _): "\(name) (uid \(uid), gid \(gid)), without capabilities"
        }
    }
}

extension Descriptor.Role {
    /// What a descriptor of QEMU is.
    var text: String {
        switch self {
        case .monitorInput: "what the recording monitor reads"
        case .record: "flight record"
        case .messages: "QEMU's messages"
        case .lock: "the VM's lock"
        case .uidLock: "the lock of its uid"
        case .monitorSocket: "QMP socket, listening"
        case .serialSocket: "serial console's socket, listening"
        case .agentSocket: "guest agent's socket, listening"
        case .consoleLog: "console log"
        case .firmwareLog: "firmware log"
        case .image(let path, let writable, let direct):
            "\(path), \(writable ? "read-write" : "read-only")\(direct ? ", O_DIRECT" : "")"
        case .macvtap(let nic): "hold on the macvtap of NET\(nic)"
        case .portRules: "hold on the rules of its NICs"
        case .taps: "hold on its taps"
        case .tap(let nic, let queue): "tap of NET\(nic)\(Self.text(ofQueue: queue))"
        case .vhost(let nic, let queue): "vhost-net of NET\(nic)\(Self.text(ofQueue: queue))"
        case .isolated(let network): "hold on isolated:\(network)"
        case .natNetwork: "hold on nat"
        case .natLease: "hold on its addresses on nat"
        case .hostPort(let port): "\(port.transport.rawValue) port \(port.number), taken"
        case .share(let directory): "connection to the server of \(directory)"
        case .blob(let path): "\(path)"
        case .secret(let path): "password from \(path)"
        case .madeSecret: "password made for this start"
        case .seed(let seed): "seed for cloud-init, made for this start: \(seed)"
        case .scratch(let size): "unnamed file for what the guest writes to a disk of \(size)"
        case .frozen(let path, nil): "\(path), read-only"
        case .frozen(let path, let size?): "\(path), a new file for what the guest writes to a disk of \(size)"
        case .savedMemory(let path): "\(path), the saved state"
        }
    }

    /// Most taps have one queue, which needs no number.
    private static func text(ofQueue queue: Int) -> String { queue == 0 ? "" : ", queue \(queue)" }
}
