import SystemPackage
import VMCore

/// How QEMU handles the processor that a VM names, found by letting it create one on an otherwise empty machine of that
/// type. Only this judges models, flags and values as a start will. What works is cached for this very binary.
package struct ProcessorProbe {
    let cache: ProbeCache
    let qemu: QEMUProgram
    let credentials: ResolvedCredentials
    /// Whether QEMU may be executed, as for `QEMUProbe`.
    var mayAsk = true

    /// The arguments of `-machine`, `-accel` and `-cpu`.
    package struct Question: Hashable {
        var machine: MachineModel
        var accelerator: String
        var processor: String

        package init(machine: MachineModel, accelerator: String, processor: String) {
            self.machine = machine
            self.accelerator = accelerator
            self.processor = processor
        }

        fileprivate var key: String { "\(machine) \(accelerator) \(processor)" }
    }

    /// The cache is emptied when it has this many answers.
    private static let mostAnswers = 64

    /// The answer; nil if QEMU can't be asked.
    func facts(_ question: Question) -> ProcessorFacts? {
        let key = "processors-\(qemu.key).json"
        let known = cache.read(key).flatMap { try? JSON(parsing: $0) }
        if let missing = known?[question.key]?.array { return .works(without: missing.compactMap(\.string)) }
        let facts = mayAsk ? ask(question) : nil
        if case .works(let missing)? = facts {
            var answers: [String: JSON] = if case .object(let answers)? = known { answers } else { [:] }
            if answers.count >= Self.mostAnswers { answers = [:] }
            answers[question.key] = .array(missing.map(JSON.string))
            cache.write(key, Array(JSON.object(answers).text.utf8))
        }
        return facts
    }

    private func ask(_ question: Question) -> ProcessorFacts? {
        let inquiry = QEMUInquiry(path: qemu.path, credentials: credentials)
        do throws(QEMUInquiry.Failure) {
            return .works(without: try inquiry.ask(question.arguments, Self.missingFeatures))
        } catch {
            guard case .silent(_, let end?, let printed) = error else { return nil }
            if printed.contains(where: QEMUComplaint.noSuchModel.isIn) || Self.isList(end, printed) {
                return .unknownModel(among: models(inquiry))
            }
            // A QEMU that was killed, or printed nothing, gave no verdict.
            return end == .exited(1) ? printed.last.map { .refused(ProcessorRefusal($0)) } : nil
        }
    }

    /// `-cpu help` prints a list to stdout and exits with 0.
    private static func isList(_ end: Child.End, _ printed: [String]) -> Bool { end == .exited(0) && printed.isEmpty }

    /// The features that the model or the flags ask for but the accelerator lacks. QEMU leaves them out.
    private static func missingFeatures(
        _ client: inout QMPClient, _ deadline: Deadline
    ) throws(QMPClient.Failure) -> [String] {
        guard let first = try client.execute(.processors, by: deadline).first else { return [] }
        return try client.execute(.unavailableFeatures(ofProcessor: first), by: deadline)
    }

    private func models(_ inquiry: QEMUInquiry) -> [String] {
        let answer = try? inquiry.ask(["-machine", "none"]) { (client, deadline) throws(QMPClient.Failure) in
            try client.execute(.processorModels, by: deadline)
        }
        return (answer ?? []).sorted()
    }
}

extension ProcessorProbe.Question {
    /// A machine as small as possible, since nothing runs on it.
    fileprivate var arguments: [String] {
        // A PCI Express port needs MSI-X, which needs a processor with an APIC.
        let ports = machine.family == .q35 ? ["-device", "pcie-root-port,id=port0,chassis=1,slot=0"] : []
        return [
            "-machine", machine.description, "-accel", accelerator, "-cpu", processor, "-m", "size=32M",
        ] + ports
    }
}
