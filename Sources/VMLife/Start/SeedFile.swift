import BridgeKernel
import Glibc
import SystemPackage
import VMCore
import VMHost

/// Reads what a VM's seed for cloud-init is made from.
enum SeedFile {
    /// What is in such a file.
    static func content(
        of file: Setting<FilePath>, _ params: VMParams, _ trust: FileTrust
    ) throws(VMError) -> [UInt8] {
        let (subject, path) = (params.place(file.origin), file.value)
        let content: [UInt8]
        do throws(PathWalk.Failure) { content = try trust.content(of: path, limit: CloudSeed.fileLimit + 1) } catch {
            switch error {
            case .system(let errno, _): throw .system(errno, subject, "\(path) can't be read")
            case .distrusted(let distrust): throw distrust.refusal(toUse: path, at: subject)
            }
        }
        guard content.count <= CloudSeed.fileLimit else {
            throw VMError(
                .badData, subject, "\(path) is larger than \(ByteCount(bytes: Int64(CloudSeed.fileLimit)))",
                remedy: "have it fetch what is so large (#include), or compress it with gzip")
        }
        return content
    }
}
