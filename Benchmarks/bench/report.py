"""The results, for people and for programs."""

import dataclasses
import json


def table(rows):
    """One line for each program that was measured; the ratio is ours to theirs."""
    lines = [("what", "who", "median", "least – most", "ours / theirs")]
    for results in rows.values():
        for comparison in results.comparisons:
            for number, (who, found) in enumerate(comparison.measured.items()):
                ratio = "" if number == 0 else _ratio(comparison, who)
                title = comparison.title if number == 0 else ""
                lines.append((
                    title, who, f"{_number(found.median)} {comparison.unit}",
                    f"{_number(found.least)} – {_number(found.most)}" if found.count > 1 else "", ratio))
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def budgets(rows):
    """One line for each budget."""
    return "\n".join(
        f"{'met   ' if budget.is_met else 'MISSED'}  {budget.what}: {_number(budget.measured)} {budget.unit}"
        f" (at most {_number(budget.limit)})"
        for budget in all_budgets(rows))


def all_budgets(rows):
    return [budget for results in rows.values() for budget in results.budgets]


def document(rows, machine):
    """All results as JSON, with numbers in the unit that each comparison names."""
    return json.dumps({
        "schema": "kvmctl.bench/1",
        "machine": machine,
        "rows": {name: dataclasses.asdict(results) for name, results in rows.items()},
        "missed": [budget.what for budget in all_budgets(rows) if not budget.is_met],
    }, indent=2, ensure_ascii=False)


def _ratio(comparison, peer):
    ratio = comparison.ratio(peer)
    return f"{ratio:.2f}" if ratio is not None else ""


def _number(value):
    """Three significant digits."""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
