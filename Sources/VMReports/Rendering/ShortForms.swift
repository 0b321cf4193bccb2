import VMCore

extension Duration {
    /// As `ps` and `uptime` print it, in the two largest units: `3d4h`, `4h12m`, `12m5s`, `5s`.
    package var short: String {
        let seconds = components.seconds
        let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60)
        if days > 0 { return "\(days)d\(hours)h" }
        if hours > 0 { return "\(hours)h\(minutes)m" }
        if minutes > 0 { return "\(minutes)m\(seconds % 60)s" }
        return "\(seconds)s"
    }
}
