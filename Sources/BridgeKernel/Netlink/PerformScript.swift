import BridgeNet
import SystemPackage

/// A request that was encoded earlier.
private struct KeptRequest: RouteRequest {
    let message: NetlinkMessage
    var type: UInt16 { message.type }
    var flags: NetlinkMessage.Flags { message.flags }
    var header: [UInt8] { Array(message.payload) }
    var attributes: [Attribute] { [] }
}

extension RouteSocket {
    /// Carries out a script to its end, even if part of it is already done.
    ///
    /// - Returns: The kernel's refusals. A change that is already in place is not a failure.
    public mutating func perform(_ script: NetworkScript) -> [NetworkError] {
        script.messages.compactMap { message in
            do throws(NetworkError) {
                _ = try ask(KeptRequest(message: message), subject: "network", doing: "completing or undoing a change")
                return nil
            } catch {
                return error.errno.map(Self.meansAlreadySo.contains) == true ? nil : error
            }
        }
    }
}
