/// What configures a host's network when it boots.
package enum NetworkService: String, CaseIterable, Sendable {
    /// systemd-networkd, also under netplan.
    case networkd
    /// Debian's ifup and ifdown.
    case ifupdown
    /// NetworkManager.
    case networkmanager

    /// Its name, for people.
    package var title: String {
        switch self {
        case .networkd: "systemd-networkd"
        case .ifupdown: "ifupdown"
        case .networkmanager: "NetworkManager"
        }
    }

    /// The directory for the files that an admin writes.
    package var directory: String {
        switch self {
        case .networkd: NetworkdFiles.directory
        case .ifupdown: IfupdownFile.directory
        case .networkmanager: NetworkManagerFiles.directory
        }
    }

    /// The files that make it set up the bridge.
    package func files(_ bridge: BridgeConfiguration, _ names: Nameservers) -> [ConfigurationFile] {
        switch self {
        case .networkd: NetworkdFiles.files(bridge, names)
        case .ifupdown: IfupdownFile.files(bridge, names)
        case .networkmanager: NetworkManagerFiles.files(bridge, names)
        }
    }

    /// The command that makes it read changed files before the next boot; nil: there is none.
    package var reload: ShellCommand? {
        switch self {
        case .networkd: "networkctl reload"
        case .ifupdown: nil
        case .networkmanager: "nmcli connection reload"
        }
    }
}

/// What was found about one network service on this host.
package struct ServiceFacts: Equatable {
    /// The evidence that the host uses it, the strongest last.
    package enum Evidence: Int, Comparable {
        case isInUse
        case configuresLink
        case hasOurFiles

        package static func < (one: Evidence, other: Evidence) -> Bool { one.rawValue < other.rawValue }
    }

    package var service: NetworkService
    /// Nil: it is not used here.
    package var evidence: Evidence?
    /// Files about the bridge or its uplinks that kvmctl did not write.
    package var places: [ConfiguredPlace] = []
    /// The name servers that it has for the bridge or its uplinks now.
    package var nameservers = Nameservers()
    /// What keeps it from reading kvmctl's files.
    package var obstacle: Obstacle?

    package init(
        service: NetworkService, evidence: Evidence? = nil, places: [ConfiguredPlace] = [],
        nameservers: Nameservers = Nameservers(), obstacle: Obstacle? = nil
    ) {
        self.service = service
        self.evidence = evidence
        self.places = places
        self.nameservers = nameservers
        self.obstacle = obstacle
    }

    /// Something that has to be fixed by hand first.
    package struct Obstacle: Equatable {
        package var file: String
        package var cause: String
        package var remedy: Remedy

        package init(file: String, cause: String, remedy: Remedy) {
            self.file = file
            self.cause = cause
            self.remedy = remedy
        }
    }
}

/// A file that configures a link and that kvmctl did not write.
package struct ConfiguredPlace: Equatable {
    var file: String
    /// The lines, if the rest of the file is about other links.
    var lines: ClosedRange<Int>?
    var link: String
    /// Whether kvmctl's file takes precedence over it.
    var givesWay: Bool
    /// Whether it may be about other links too.
    var isShared = false

    package init(file: String, lines: ClosedRange<Int>? = nil, link: String, givesWay: Bool, isShared: Bool = false) {
        self.file = file
        self.lines = lines
        self.link = link
        self.givesWay = givesWay
        self.isShared = isShared
    }

    /// What happens to it, or what has to be done with it.
    package var advice: String {
        let place = lines.map { "\(file), lines \($0.lowerBound)-\($0.upperBound)," } ?? file
        if givesWay { return "\(place) no longer applies to \(link): kvmctl's file comes first" }
        return "\(place) configures \(link) too, which would undo the bridge: \(remedy)"
    }

    private var remedy: String {
        if lines != nil { return "comment them out, and the line 'auto \(link)'" }
        guard isShared else { return "move it away: \(command: "mv --no-clobber \(file) /root/")" }
        // The other links still need it, and a service reads its files in the order of their names.
        let parts = file.split(separator: "/")
        let name = parts.last.map(String.init) ?? file
        let later = "\(NetworkdFiles.directory)/90-\(name)"
        let copy: ShellCommand = "cp --no-clobber \(file) \(later)"
        let line: ShellCommand =
            parts.first == "usr"
            ? copy.and("ln -s /dev/null \(NetworkdFiles.directory)/\(name)") : "mv --no-clobber \(file) \(later)"
        return "other links may need it, so move it behind kvmctl's file: \(command: line)"
    }
}

extension ServiceFacts {
    /// The service that the host uses, or the one asked for.
    ///
    /// - Throws: `busy` if two are as likely, `unavailable` if there is none.
    package static func choose(
        from found: [ServiceFacts], asked: NetworkService?, bridge: String
    ) throws(VMError) -> ServiceFacts {
        let choices = NetworkService.allCases.map(\.rawValue).joined(separator: ", --for ")
        if let asked { return found.first { $0.service == asked } ?? ServiceFacts(service: asked) }
        guard let most = found.compactMap(\.evidence).max() else {
            throw VMError(
                .unavailable, bridge, "no network service that kvmctl knows is in use on this host",
                remedy:
                    "choose one to set it up: \(command: "kvmctl net persist \(bridge)") with --for \(choices)")
        }
        let likely = found.filter { $0.evidence == most }
        guard likely.count == 1 else {
            let titles = likely.map(\.service.title).joined(separator: " and ")
            throw VMError(
                .busy, bridge, "\(titles) are both in use on this host, so it is not clear which should set it up",
                remedy: "choose one: \(command: "kvmctl net persist \(bridge)") with --for \(choices)")
        }
        return likely[0]
    }
}
