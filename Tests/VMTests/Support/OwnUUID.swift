import VMCore

/// Where Foundation is imported too, its UUID is not meant.
typealias UUID = VMCore.UUID
