import SystemPackage
import VMCore

extension Machine {
    /// Refuses to do something to a protected VM (`PROTECT=yes`) that ends it unasked, or removes it.
    ///
    /// What its file says now counts, so that a change to it counts at once. If the file can't be read or has errors, the
    /// VM is as it was when it was started, and protected if any line could mean that: no accident unprotects it.
    ///
    /// - Parameters:
    ///   - deed: what would be done, as it is typed after `kvmctl`.
    ///   - force: whether it is to be done all the same.
    /// - Throws: `.denied` if it is protected.
    package func refuseProtected(_ deed: String, force: Bool) throws(VMError) {
        guard !force, let place = protection else { return }
        throw VMError(
            .denied, name.description, "it is protected (\(place)), so \(deed) is refused",
            remedy: "if you mean it, add --force")
    }

    /// Refuses to remove what a suspended VM would go on with.
    ///
    /// - Parameters:
    ///   - deed: what would be done, as it is typed after `kvmctl`.
    ///   - force: whether it is to be done all the same.
    /// - Throws: `.busy` if it is suspended.
    package func refuseSuspended(_ deed: String, force: Bool) throws(VMError) {
        guard !force, try !observe().isAlive, try isSuspended() else { return }
        throw VMError(
            .busy, name.description, "it is suspended, and \(deed) would lose what it had in memory",
            remedy: "start it and shut it down first; or if you mean it, add --force")
    }

    /// Where it says that the VM is protected; nil: it is not.
    private var protection: String? {
        do throws(VMError) {
            let params = try VMFile.glance(at: file)
            return params.protect.value ? params.place(params.protect.origin) : nil
        } catch {
            if let place = protectionWhenStarted { return place }
            return VMFile.mayProtect(file) ? "\(file) has errors, and a line for PROTECT" : nil
        }
    }

    /// The same of the VM that runs; nil too if that was started from another file.
    private var protectionWhenStarted: String? {
        do throws(VMError) {
            if let manifest = try manifest() {
                guard manifest.vm.isProtected else { return nil }
                if !file.isEmpty, try !manifest.isOf(file) { return nil }
                return "PROTECT=yes when it was started"
            }
            guard try isManifestDamaged else { return nil }
        } catch {}
        // Then nothing says which file it was started from: that might.
        return file.isEmpty ? "or may be: \(directory.manifestFile) can't be read" : nil
    }
}
