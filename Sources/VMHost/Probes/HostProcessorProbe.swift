import SystemPackage
import VMCore

extension HostProcessor {
    /// The host's processor, as the kernel describes the first one (proc_cpuinfo(5)); nil if it can't be read.
    package static func ofThisHost() -> HostProcessor? {
        guard let bytes = try? readFile("/proc/cpuinfo", limit: 16 << 10) else { return nil }
        return HostProcessor(cpuinfo: bytes)
    }

    init?(cpuinfo bytes: [UInt8]) {
        var fields: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.filter { $0 != "\t" } }
            guard parts.count == 2, fields[parts[0]] == nil else { continue }
            fields[parts[0]] = String(parts[1].drop { $0 == " " })
        }
        guard let model = fields["model name"], let flags = fields["flags"] else { return nil }
        let known = flags.split(separator: " ").map(String.init).filter { Self.instructions.contains($0) }
        self.init(model: model, flags: known)
    }

    /// The flags that name instructions or state that a guest may be using. The others are of the host's kernel, whose
    /// next version may name them differently.
    private static let instructions: Set<String> = [
        "3dnow", "3dnowext", "3dnowprefetch", "abm", "adx", "aes", "amx_bf16", "amx_int8", "amx_tile", "avx", "avx2",
        "avx512_4fmaps", "avx512_4vnniw", "avx512_bf16", "avx512_bitalg", "avx512_fp16", "avx512_vbmi2", "avx512_vnni",
        "avx512_vp2intersect", "avx512_vpopcntdq", "avx512bw", "avx512cd", "avx512dq", "avx512er", "avx512f",
        "avx512ifma", "avx512pf", "avx512vbmi", "avx512vl", "avx_ifma", "avx_vnni", "avx_vnni_int8", "bmi1", "bmi2",
        "cldemote", "clflushopt", "clwb", "clzero", "cmov", "cx16", "cx8", "f16c", "fma", "fma4", "fsgsbase", "fxsr",
        "gfni", "hle", "invpcid", "la57", "lahf_lm", "lm", "lwp", "misalignsse", "mmx", "mmxext", "movbe",
        "movdir64b", "movdiri", "nx", "pcid", "pclmulqdq", "pdpe1gb", "pku", "pni", "popcnt", "rdpid", "rdrand",
        "rdseed", "rdtscp", "rtm", "serialize", "sha_ni", "smap", "smep", "sse", "sse2", "sse4_1", "sse4_2", "sse4a",
        "ssse3", "syscall", "tbm", "tsxldtrk", "umip", "vaes", "vpclmulqdq", "waitpkg", "wbnoinvd", "x2apic", "xop",
        "xsave", "xsavec", "xsaveopt", "xsaves",
    ]
}
