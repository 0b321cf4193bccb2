extension NetworkError {
    /// What to do about it. The caller decides which command does it, and how to quote its arguments.
    public enum Remedy: Hashable, Sendable {
        /// Create the bridge.
        case make(bridge: InterfaceName)
        /// Make the bridge VLAN-aware.
        case keepVLANsApart(bridge: InterfaceName)
        /// Bring the bridge up.
        case bringUp(bridge: InterfaceName)
        /// Give the device this MTU, in bytes, if its network carries that too.
        case raiseMTU(of: InterfaceName, to: Int)
        /// Do something else, given in words, or delete the bridge first.
        case takeApart(bridge: InterfaceName, or: String)
        /// Load a kernel module.
        case load(module: String)
        /// Advice for a person.
        case advice(String)
    }
}

extension NetworkError.Remedy: ExpressibleByStringInterpolation {
    /// Advice.
    public init(stringLiteral text: String) { self = .advice(text) }

    /// Advice.
    public init(stringInterpolation: DefaultStringInterpolation) {
        self = .advice(String(stringInterpolation: stringInterpolation))
    }
}

extension NetworkError.Remedy: CustomStringConvertible {
    /// In words.
    public var description: String {
        switch self {
        case .make(let bridge): "create the bridge \(bridge)"
        case .keepVLANsApart(let bridge): "make \(bridge) VLAN-aware"
        case .bringUp(let bridge): "bring \(bridge) up"
        case .raiseMTU(let device, let mtu): "if its network carries that too, give \(device) the MTU \(mtu)"
        case .takeApart(let bridge, let instead): "\(instead), or delete the bridge \(bridge) first"
        case .load(let module): "load the kernel module \(module)"
        case .advice(let text): text
        }
    }
}
