extension NetworkOperation {
    /// The request that carries it out.
    package var request: any RouteRequest {
        switch self {
        case .createBridge(let name, let mac, let index): LinkRequest.createBridge(name, mac: mac, index: index)
        case .delete(let name): LinkRequest.delete(name)
        case .change(let name, _, let settings): LinkRequest.change(name, to: settings)
        case .changeBridge(let name, _, let options): LinkRequest.changeBridge(name, to: options)
        case .add(.address(let address), _): EntryRequest.add(address)
        case .add(.route(let route), _): EntryRequest.add(route)
        case .add(.rule(let rule), _): EntryRequest.add(rule)
        case .add(.vlans(let entry), _): LinkRequest.add(entry)
        case .add(.neighbour(let neighbour), _): EntryRequest.add(neighbour)
        case .remove(.address(let address), _): EntryRequest.remove(address)
        case .remove(.route(let route), _): EntryRequest.remove(route)
        case .remove(.rule(let rule), _): EntryRequest.remove(rule)
        case .remove(.vlans(let entry), _): LinkRequest.remove(entry)
        case .remove(.neighbour(let neighbour), _): EntryRequest.remove(neighbour)
        case .changeAddress(_, _, let address): EntryRequest.change(address)
        }
    }
}
