/// How far a guest has come with booting, by the text that it writes on its console, and what went wrong.
///
/// Fed with what was written, in order: what a guest got past, or said before it rebooted, does not count any more.
package struct BootProgress: Sendable {
    /// The last stage that it reached in this boot.
    package private(set) var stage = BootStage.unknown
    /// How often it began to boot anew.
    package private(set) var reboots = 0
    /// The last lines that it wrote, the oldest first; the one that the cursor is in comes last.
    package var lastLines: [String] {
        (recent + [text.unfinished].filter { !$0.isEmpty }.map(Array.init)).suffix(Self.kept)
            .map { String(decoding: $0, as: UTF8.self) }
    }
    /// How much it wrote in this boot, as far as that was looked at, in bytes.
    package private(set) var length = 0
    /// Whether it wrote anything.
    package var isSilent: Bool { recent.isEmpty && text.unfinished.isEmpty }
    /// Whether what it wrote is text.
    package var isLegible: Bool { text.isLegible }

    /// The line that the cursor is in.
    package var unfinished: ArraySlice<UInt8> { text.unfinished }

    private var text = ConsoleText()
    private var recent: [[UInt8]] = []
    /// The pieces of text that symptoms have, and that were in this boot; with the line.
    private var seen: [String: [UInt8]] = [:]
    /// How many lines that are not the kernel's came after the one that ends its panic; nil: there was none.
    private var linesAfterPanic: Int?

    private static let kept = 6

    package init() {}

    /// The progress that a screen shows.
    ///
    /// - Parameter lines: its lines. One that fills it goes on in the next.
    package init(screen lines: [String]) {
        let width = max(lines.map(\.unicodeScalars.count).max() ?? 0, 40)
        for (number, line) in lines.enumerated() {
            let goesOn = number < lines.count - 1 && width >= 80 && line.unicodeScalars.count == width
            take((line + (goesOn ? "" : "\n")).utf8)
        }
    }

    /// Takes in what it wrote.
    ///
    /// - Parameter each: is handed each line that is complete.
    package mutating func take(_ bytes: some Sequence<UInt8>, each: (ArraySlice<UInt8>) -> Void = { _ in }) {
        var lines: [ArraySlice<UInt8>] = []
        text.take(bytes) { lines.append(Array($0)[...]) }
        for line in lines {
            length += line.count
            judge(line)
            each(line)
        }
    }

    /// The machine was reset: it begins anew.
    package mutating func restart() {
        if stage != .unknown { reboots += 1 }
        (stage, seen, linesAfterPanic, length) = (.unknown, [:], nil, 0)
    }

    private mutating func judge(_ line: ArraySlice<UInt8>) {
        // What `exec --serial` has the guest write is none of its own words.
        guard !SerialFrame.isOne(line) else { return }
        recent = recent.suffix(Self.kept - 1) + [Array(line)]
        countAfterPanic(line)
        let signs = SignTable.all.find(in: line)
        if stage > .bootLoader, signs.contains(where: { $0.text == StageSigns.kernelBegins || $0.stage == .firmware }) {
            // Only a kernel that is about to be loaded, or has just been, says this twice.
            if stage > .kernel || signs.contains(where: { $0.text == StageSigns.kernelBegins }) { restart() }
        }
        for sign in signs where sign.symptomStage != nil { seen[sign.text] = Array(line) }
        let isLogin = line.suffix(StageSigns.loginPrompt.count).elementsEqual(StageSigns.loginPrompt)
        let shown = signs.compactMap(\.stage).max() ?? .unknown
        advance(to: isLogin ? .up : shown)
    }

    /// Whether programs go on writing although its text says that the kernel has panicked. A few lines prove nothing: the
    /// serial port still sends what waited in its buffer.
    package var goesOnAfterPanic: Bool { (linesAfterPanic ?? 0) >= Self.livingLines }

    private static let livingLines = 8
    private static let endOfPanic = Array("end Kernel panic".utf8)

    private mutating func countAfterPanic(_ line: ArraySlice<UInt8>) {
        let end = Self.endOfPanic
        let isEnd = line.indices.contains { line[$0...].starts(with: end) }
        if isEnd {
            linesAfterPanic = 0
        } else if let count = linesAfterPanic, !line.isEmpty, !Self.isKernels(line) {
            linesAfterPanic = min(count + 1, Self.livingLines)
        }
    }

    /// Whether a line begins with the kernel's time, as in `[    5.123456] `.
    private static func isKernels(_ line: ArraySlice<UInt8>) -> Bool {
        guard line.first == UInt8(ascii: "["), let end = line.firstIndex(of: UInt8(ascii: "]")) else { return false }
        let time = line[line.startIndex + 1..<end]
        return time.contains(UInt8(ascii: ".")) && time.allSatisfy { "0123456789. ".utf8.contains($0) }
    }

    private mutating func advance(to reached: BootStage) {
        // systemd says that its startup is finished in emergency mode too.
        guard reached > stage, reached != .up || !has(.emergencyShell) else { return }
        stage = reached
        let passed = Set(
            Symptoms.all.filter { $0.stage < reached }.flatMap { row -> [String] in
                if case .text(let groups) = row.evidence { Array(groups.joined()) } else { [] }
            })
        seen = seen.filter { !passed.contains($0.key) }
    }

    /// The line that the cursor is in, or the last one.
    private var prompt: ArraySlice<UInt8> { text.unfinished.isEmpty ? (recent.last ?? [])[...] : text.unfinished }

    /// The stage, with what the prompt tells.
    package var shownStage: BootStage {
        let isLogin = prompt.suffix(StageSigns.loginPrompt.count).elementsEqual(StageSigns.loginPrompt)
        return isLogin && !has(.emergencyShell) ? .up : max(stage, promptStage)
    }

    /// The stage of what asks for a command: a boot that is told to be quiet shows no other sign of it.
    private var promptStage: BootStage {
        let asking = Symptoms.all.first { row in
            if case .prompt = row.evidence { shows(row) != nil } else { false }
        }
        return asking?.stage ?? .unknown
    }

    private func has(_ id: Symptom.ID) -> Bool { Symptoms.row(id).map { shows($0) != nil } ?? false }

    /// The line that shows a symptom; nil if none does.
    package func shows(_ row: Symptom) -> String? {
        switch row.evidence {
        case .fact: return nil
        case .prompt(let beginnings):
            let prompt = prompt
            guard beginnings.contains(where: { prompt.starts(with: $0.utf8) }) else { return nil }
            return String(decoding: prompt, as: UTF8.self)
        case .text(let groups):
            var line: [UInt8]?
            for pieces in groups {
                guard let found = pieces.lazy.compactMap({ seen[$0] }).first else { return nil }
                line = found
            }
            return line.map { String(decoding: $0, as: UTF8.self) }
        }
    }
}
