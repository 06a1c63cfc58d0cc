"""The results as Markdown, JSON and HTML."""

import html
import json
import statistics

DIGITS = {"µs": 1, "ms": 2, "ms/GB": 0, "KiB": 1, "calls": 1, "ratio": 3}


def median(results, row, name):
    found = results.get(row.key, {}).get(name)
    return statistics.median(found) if found else None


def best_peer(results, row):
    """(name, figure) of the best of those that the row is measured against."""
    found = [(median(results, row, name), name) for name in row.against
             if median(results, row, name) is not None]
    return min(found)[::-1] if found else (None, None)


def ratio(results, row):
    """Of medians, and the spread of those of single rounds: (middle, least, most)."""
    name, best = best_peer(results, row)
    own = median(results, row, "postern")
    if own is None or not best:
        return None
    pairs = list(zip(results[row.key]["postern"], results[row.key][name]))
    each = [mine / theirs for mine, theirs in pairs if theirs]
    return own / best, min(each), max(each)


def figure(results, row, name):
    found = results.get(row.key, {}).get(name)
    if not found:
        return "-"
    digits = DIGITS[row.unit]
    middle = f"{statistics.median(found):.{digits}f}"
    return middle if len(found) < 2 else \
        f"{middle} ({min(found):.{digits}f} to {max(found):.{digits}f})"


def verdict(results, row):
    """(the ratio in words, whether the goal is reached)."""
    if row.unit == "ratio":
        own = median(results, row, "postern")
        return ("-", None) if own is None else (f"{own:.3f}", own <= row.base)
    found = ratio(results, row)
    if not found:
        return "-", None
    good = found[0] <= row.goal
    if row.base:
        good = good and median(results, row, "postern") <= row.base
    spread = f" ({found[1]:.2f} to {found[2]:.2f})" if found[1] < found[2] else ""
    return f"{found[0]:.2f}{spread}", good


def goal(row):
    if row.unit == "ratio":
        return f"{row.base}"
    return f"{row.goal:.2f}" + (f", {row.base:g} {row.unit}" if row.base else "")


def grid(results, rows, names):
    """Lines of cells; the first is the heading."""
    yield ["", "unit", *names, "ratio", "goal", ""]
    for row in rows:
        words, good = verdict(results, row)
        yield [row.title, row.unit, *(figure(results, row, name) for name in names), words,
               goal(row), {None: "-", True: "reached", False: "missed"}[good]]


def markdown(results, rows, facts):
    lines = list(grid(results, rows, facts["proxies"]))
    text = ["| " + " | ".join(line) + " |" for line in lines]
    text.insert(1, "|" + "---|" * len(lines[0]))
    return "\n".join(text) + "\n\n" + about(facts) + "\n"


def insert(path, text, place="compare"):
    before, begin, rest = path.read_text().partition(f"<!-- {place} -->\n")
    _, end, after = rest.partition("<!-- end -->\n")
    if not begin or not end:
        raise SystemExit(f"{path} has no place for the table")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def about(facts):
    versions = ", ".join(f"{name} {version}" for name, version in facts["proxies"].items())
    return (f"Medians of {facts['rounds']} interleaved rounds, least and most in brackets; "
            f"{facts['date']}. {versions}; {facts['openssl']}; Linux {facts['kernel']}; "
            f"{facts['cpu']}.")


STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #18794e; --bad: #c2410c; }
@media (prefers-color-scheme: dark) { :root { --good: #4cc38a; --bad: #ff8b3e; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: right;
         vertical-align: top; }
td:first-child, th:first-child { text-align: left; }
td small { display: block; opacity: .65; }
.reached { color: var(--good); } .missed { color: var(--bad); }
pre { border: 1px solid var(--line); padding: .8rem; overflow-x: auto; font-size: 12px; }
"""


def cell(text):
    middle, _, spread = text.partition(" (")
    small = f"<small>{html.escape(spread[:-1])}</small>" if spread else ""
    return f"<td>{html.escape(middle)}{small}</td>"


def page(results, rows, facts):
    lines = list(grid(results, rows, facts["proxies"]))
    head = "".join(f"<th>{html.escape(word)}</th>" for word in lines[0])
    body = ""
    for line in lines[1:]:
        body += "<tr>" + "".join(map(cell, line[:-1]))
        body += f'<td class="{line[-1]}">{line[-1]}</td></tr>\n'
    configs = "".join(f"<details><summary>{html.escape(name)}</summary>"
                      f"<pre>{html.escape(text)}</pre></details>"
                      for name, text in facts["configurations"].items())
    return (f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width"><title>Postern compared</title>'
            f"<style>{STYLE}</style><h1>Postern compared</h1><p>{html.escape(about(facts))}</p>"
            f"<p>CPU time of all of a proxy's processes for one unit of work, and the ratio of "
            f"Postern to the best of those it is measured against.</p>"
            f"<table><tr>{head}</tr>\n{body}</table><h2>Configurations</h2>{configs}</html>\n")


def write(folder, results, rows, facts):
    (folder / "compare.md").write_text(markdown(results, rows, facts))
    (folder / "compare.json").write_text(json.dumps(
        {"facts": facts, "rows": [{"key": row.key, "title": row.title, "unit": row.unit,
                                   "goal": row.goal, "best": best_peer(results, row)[0],
                                   "ratio": ratio(results, row), "reached": verdict(results, row)[1],
                                   "figures": results.get(row.key, {})} for row in rows]},
        indent=1, ensure_ascii=False))
    (folder / "compare.html").write_text(page(results, rows, facts))
