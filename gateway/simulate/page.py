"""The outcome of a simulation as one HTML page with a chart; it needs nothing but itself and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from gateway.core.model import Action
from gateway.simulate.replay import Outcome

COLORS = {"pass": "#2e7d32", "anonymize": "#0277bd", "hold": "#ef6c00", "block": "#c62828"}
WIDTH, BAR, GAP, LEFT = 640, 22, 8, 170
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0 2rem; }
td, th { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
"""


def page(outcome: Outcome, title: str) -> str:
    """The whole page. `title` says what was asked; it is escaped like everything else."""
    agents = [
        (agent, f"{was} → {now}", str(number), outcome.examples.get((agent, was, now), ""))
        for (agent, was, now), number in outcome.agents.most_common()
    ]
    clauses = [(c, f"{was} → {now}", str(number)) for (c, was, now), number in outcome.clauses.most_common()]
    on = f", on {outcome.on}" if outcome.on else ""
    summary = (
        f"{outcome.total} transfers, of which {outcome.changed} come out differently; {outcome.stayed} stay, "
        f"since no rule decided them. Rules {outcome.digest[:12]}{on}."
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>{escape(title)}</title>"
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1><p>{escape(summary)}</p>"
        f"{_chart(outcome)}"
        f"<h2>By agent</h2>{_table(('agent', 'change', 'transfers', 'why'), agents)}"
        f"<h2>By clause</h2>{_table(('clause', 'change', 'transfers'), clauses)}</body></html>\n"
    )


def _chart(outcome: Outcome) -> str:
    """Before and after, as stacked bars."""
    before, after = dict.fromkeys(Action, 0), dict.fromkeys(Action, 0)
    for (was, now), number in outcome.actions.items():
        if was in before:
            before[Action(was)] += number
        after[Action(now)] += number
    rows = [("before", before)] if any(before.values()) else []
    rows.append(("after", after))
    pieces = []
    for place, (name, counts) in enumerate(rows):
        y, x = place * (BAR + GAP), float(LEFT)
        pieces.append(f'<text x="0" y="{y + 16}" font-size="14">{name}</text>')
        for action, number in counts.items():
            width = number / max(outcome.total, 1) * (WIDTH - LEFT)
            pieces.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{COLORS[action]}">'
                f"<title>{action}: {number}</title></rect>"
            )
            x += width
    y = len(rows) * (BAR + GAP)
    for place, action in enumerate(Action):
        x = LEFT + place * 110
        pieces.append(f'<rect x="{x}" y="{y}" width="12" height="12" fill="{COLORS[action]}"/>')
        pieces.append(f'<text x="{x + 17}" y="{y + 11}" font-size="13">{action}</text>')
    label = "Outcomes before and after"
    return f'<svg width="{WIDTH}" height="{y + 20}" role="img" aria-label="{label}">{"".join(pieces)}</svg>'


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return "<p>Nothing changes.</p>"
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=n' if heads[i] == 'transfers' else ''}>{escape(one)}</td>"
            for i, one in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
