import BridgeNet
import SystemPackage

/// A request as it was encoded before.
private struct KeptRequest: RouteRequest {
    let message: NetlinkMessage
    var type: UInt16 { message.type }
    var flags: NetlinkMessage.Flags { message.flags }
    var header: [UInt8] { Array(message.payload) }
    var attributes: [Attribute] { [] }
}

extension RouteSocket {
    /// Carries a script out to its end, whatever part of it is done already.
    ///
    /// - Returns: What the kernel refused. What is so already is no failure.
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
