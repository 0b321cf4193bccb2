import BridgeNet
import SystemPackage

extension RouteSocket {
    /// Carries out one operation. If it fails, part of it may be done; `perform(_: [NetworkOperation])` rolls that
    /// back.
    ///
    /// - Throws: The kernel's refusal, such as `exists` for a bridge whose name is taken, `denied` without
    ///   CAP_NET_ADMIN, `busy` for a bridge that is full.
    public mutating func perform(_ operation: NetworkOperation) throws(NetworkError) {
        do {
            try carryOut(operation)
        } catch  where error.errno == .addressFamilyNotSupported {
            // The kernel runs without IPv6 and refused before it changed anything. The rest is still to be done.
            guard let rest = operation.withoutIPv6 else { throw error }
            try carryOut(rest)
        }
    }

    /// Carries out operations in order. If one fails, those already done are undone in reverse order, and all is as
    /// before except for what the error's `notUndone` lists.
    public mutating func perform(_ plan: [NetworkOperation]) throws(NetworkError) {
        for (position, operation) in plan.enumerated() {
            do {
                try perform(operation)
            } catch {
                var failure = error
                let doubtful = operation.mayFailHalfway || error.mayBeDone ? [operation] : []
                // An operation that the kernel does not support was not done, so there is nothing to undo.
                let tolerated = Self.meansAlreadySo + (error.code == .unsupported ? [.notSupportedOnSocket] : [])
                failure.notUndone = undo(doubtful, tolerating: tolerated) + undo(plan[..<position])
                throw failure
            }
        }
    }

    /// Errors that mean that the wanted state is already reached: an address, link, route or rule is already there or
    /// already gone; or there is no IPv6.
    static let meansAlreadySo: [Errno] = [
        .fileExists, .addressNotAvailable, .noSuchDevice, .noSuchProcess, .noSuchFileOrDirectory,
        .addressFamilyNotSupported,
    ]

    /// Undoes operations, the last one first. Returns those that could not be undone, in words.
    private mutating func undo(
        _ done: some BidirectionalCollection<NetworkOperation>, tolerating: [Errno] = []
    ) -> [String] {
        var left: [String] = []
        for operation in done.reversed() {
            guard let inverse = operation.inverse else {
                left.append("\(operation)")
                continue
            }
            do {
                try perform(inverse)
            } catch  where error.errno.map(tolerating.contains) == true {
                continue
            } catch {
                left.append("\(operation) (\(error.reason))")
            }
        }
        return left
    }

    private mutating func carryOut(_ operation: NetworkOperation) throws(NetworkError) {
        let subject = operation.subject.description
        do {
            _ = try ask(operation.request, subject: subject, doing: operation.doing)
        } catch  where error.errno == .notSupportedOnSocket && operation.asksForVLANs {
            throw NetworkError(
                .unsupported, subject: subject, doing: operation.doing, reason: "this kernel has no VLAN filtering",
                errno: error.errno,
                remedy: "use a kernel with CONFIG_BRIDGE_VLAN_FILTERING, or do without VLAN filtering")
        }
    }
}

extension NetworkOperation {
    /// What is being done, for error messages.
    fileprivate var doing: String {
        switch self {
        case .createBridge: "creating the bridge"
        case .delete: "deleting it"
        case .change(_, _, let settings): "setting \(settings)"
        case .changeBridge(_, _, let options): "setting \(options)"
        case .add(let entry, _): "adding \(entry)"
        case .remove(let entry, _): "removing \(entry)"
        case .changeAddress(_, _, let address): "setting flags and lifetime of \(address)"
        }
    }

    fileprivate var asksForVLANs: Bool {
        if case .changeBridge(_, _, let to) = self { to.vlanFiltering == true } else { false }
    }

    /// The operation without the part that needs IPv6; nil if nothing in it does.
    fileprivate var withoutIPv6: NetworkOperation? {
        guard case .change(let name, let from, var to) = self, to.addressGeneration != nil else { return nil }
        to.addressGeneration = nil
        return .change(name, from: from, to: to)
    }
}
