import ArgumentParser
import VMCore

extension CompletionKind {
    /// The keys of vm.params. After `--set`, and for `set`, as they are written before a value.
    static let keys = custom { words, _, prefix in
        ParamsSchema.names(numberedAs: prefix).map { words.contains("keys") ? $0 : "\($0)=" }
    }

    /// The VMs of `set`, and its keys once a VM was named.
    static let vmOrKeys = custom { words, index, prefix in
        let isNamed = words.dropFirst(2).contains { !$0.isEmpty && !$0.hasPrefix("-") && $0 != prefix }
        return (isNamed ? ParamsSchema.names(numberedAs: prefix).map { "\($0)=" } : []) + vms(for: words, prefix)
    }
}
