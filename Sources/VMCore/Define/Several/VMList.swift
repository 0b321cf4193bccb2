/// VMs to create, one a row: the header names `NAME` and keys of vm.params, and an empty field says nothing of its key.
package struct VMList: Sendable {
    /// A VM.
    package struct Row: Sendable {
        /// Its name.
        package var name: VMName
        /// What is said of it.
        package var cells: [NewVM.Cell]
    }

    /// The VMs, in the order of the text.
    package let rows: [Row]

    /// Reads a list.
    ///
    /// - Parameter file: what messages call it.
    /// - Throws: `.badData` with everything that is wrong, each with its row and column.
    package init(_ text: String, of file: String) throws(VMError) {
        let csv: CSVText
        do throws(CSVText.Fault) { csv = try CSVText(text) } catch {
            throw VMError(.badData, Self.place(file, error.row, error.column), error.cause)
        }
        guard let header = csv.rows.first else {
            throw VMError(.badData, file, "is empty", remedy: "begin it with a row of keys: NAME,MEMORY,DESCRIPTION")
        }
        if header.fields.count == 1, header.fields[0].contains(";") {
            throw VMError(
                .badData, "\(file): row \(header.number)", "has semicolons between its fields",
                remedy: "write commas instead, and fields with commas in them in double quotes")
        }
        var faults: [VMError] = []
        let columns = Self.columns(header, file, &faults)
        guard faults.isEmpty else { throw Self.error(faults, file) }
        var rows: [Row] = []
        var places: [String: Int] = [:]
        for row in csv.rows.dropFirst() {
            guard let made = Self.row(row, columns, file, &faults) else { continue }
            if let other = places.updateValue(row.number, forKey: made.name.description) {
                faults.append(
                    VMError(.badData, "\(file): row \(row.number)", "\(made.name) is the name in row \(other) too"))
            }
            rows.append(made)
        }
        guard faults.isEmpty else { throw Self.error(faults, file) }
        guard !rows.isEmpty else { throw VMError(.badData, file, "has a header, and no row for a VM below it") }
        guard rows.count <= NamePattern.most else {
            throw VMError(.badData, file, "has \(rows.count) rows, and \(NamePattern.most) are the most")
        }
        self.rows = rows
    }

    /// What is in each column; nil: the names.
    private static func columns(_ header: CSVText.Row, _ file: String, _ faults: inout [VMError]) -> [KeyName?] {
        var seen: Set<KeyName> = []
        let columns = header.fields.enumerated().map { number, field -> KeyName? in
            let (place, word) = (place(file, header.number, number + 1), field.trimmed)
            do throws(VMError) {
                let key = try ParamsEdit(key: word, value: nil).key
                if !seen.insert(key.ofItsThing).inserted {
                    faults.append(VMError(.badData, place, "\(word) is a column already"))
                }
                return key == KeyName(.name) ? nil : key
            } catch {
                let cause = word.isEmpty ? "the header names no key here" : "\(Printable.quoted(word)) \(error.cause)"
                faults.append(VMError(.badData, place, cause, remedy: error.remedy))
                return nil
            }
        }
        if faults.isEmpty, !seen.contains(KeyName(.name)) {
            faults.append(
                VMError(
                    .badData, "\(file): row \(header.number)", "the header has no column NAME",
                    remedy: "the first row names the columns: NAME, and keys of vm.params"))
        }
        return columns
    }

    private static func row(
        _ row: CSVText.Row, _ columns: [KeyName?], _ file: String, _ faults: inout [VMError]
    ) -> Row? {
        guard row.fields.count == columns.count else {
            faults.append(wrongLength(of: row, columns.count, file))
            return nil
        }
        var (name, cells): (VMName?, [NewVM.Cell]) = (nil, [])
        for (number, (key, field)) in zip(columns, row.fields).enumerated() {
            let place = place(file, row.number, number + 1)
            guard let key else {
                name = VMName(field.trimmed)
                if name == nil {
                    let what =
                        field.trimmed.isEmpty ? "the VM has no name" : "\(Printable.quoted(field)) can't be a VM's name"
                    faults.append(VMError(.badData, place, what, remedy: .advice(ParamsDecoder.nameRule)))
                }
                continue
            }
            guard !field.isEmpty else { continue }
            do throws(VMError) {
                cells.append(NewVM.Cell(edit: try ParamsEdit(key: "\(key)", value: field), place: place))
            } catch { faults.append(VMError(.badData, place, "\(key): \(error.cause)")) }
        }
        return name.map { Row(name: $0, cells: cells) }
    }

    private static func wrongLength(of row: CSVText.Row, _ wanted: Int, _ file: String) -> VMError {
        let count = row.fields.count
        return VMError(
            .badData, "\(file): row \(row.number)",
            "has \(count) field\(count == 1 ? "" : "s"), and the header has \(wanted)",
            remedy: count > wanted
                ? "a field with a comma in it has to be in double quotes"
                : "a field with nothing to say stays empty, but its comma is written")
    }

    private static func place(_ file: String, _ row: Int, _ column: Int) -> String {
        "\(file): row \(row), column \(column)"
    }

    private static func error(_ faults: [VMError], _ file: String) -> VMError {
        guard faults.count > 1, let first = faults.first else {
            return faults.first ?? VMError(.bug, file, "was refused without a reason")
        }
        let shown = faults.prefix(10).map { $0.description.split(separator: "\n").joined(separator: "\n  ") }
        let rest = faults.count > 10 ? ["… and \(faults.count - 10) more"] : []
        return VMError(first.code, file, "\(faults.count) things are wrong with it", details: shown + rest)
    }
}

extension String {
    /// Without spaces at its ends, as people write them after commas.
    fileprivate var trimmed: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
