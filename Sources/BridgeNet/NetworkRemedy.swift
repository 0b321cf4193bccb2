extension NetworkError {
    /// What to do about it. Which program does it is for the caller to say, and how its words are quoted.
    public enum Remedy: Hashable, Sendable {
        /// Make the bridge.
        case make(bridge: InterfaceName)
        /// Let the bridge keep VLANs apart.
        case keepVLANsApart(bridge: InterfaceName)
        /// Bring the bridge up.
        case bringUp(bridge: InterfaceName)
        /// Give the device this MTU, in bytes, if its network carries that too.
        case raiseMTU(of: InterfaceName, to: Int)
        /// Do it another way, in words, or take that bridge apart first.
        case takeApart(bridge: InterfaceName, or: String)
        /// Load a module of the kernel's.
        case load(module: String)
        /// What a person has to do or to decide.
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
        case .make(let bridge): "make the bridge \(bridge)"
        case .keepVLANsApart(let bridge): "let \(bridge) keep VLANs apart"
        case .bringUp(let bridge): "bring \(bridge) up"
        case .raiseMTU(let device, let mtu): "if its network carries that too, give \(device) the MTU \(mtu)"
        case .takeApart(let bridge, let instead): "\(instead), or first take the bridge \(bridge) apart"
        case .load(let module): "load the kernel module \(module)"
        case .advice(let text): text
        }
    }
}
