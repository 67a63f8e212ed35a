"""The Grafana dashboards, built with Grafana's own types; `make dashboards` writes them as JSON beside this file.

For Grafana 10.1 and later. Expressions name metrics of gateway/metrics.py and rules of recording.yml.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BarGaugeDisplayMode, StackingMode, VizOrientation
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DataSourceRef,
    DataTransformerConfig,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="$datasource")
HERE = 'instance=~"$instance"'
"""What every panel is limited to."""

Panel = bargauge.Panel | stat.Panel | table.Panel | timeseries.Panel


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and how its series are named."""

    expr: str
    legend: str = "{{instance}}"

    def series(self) -> prometheus.Dataquery:
        """As it went over time."""
        return prometheus.Dataquery().expr(self.expr).legend_format(self.legend).range()

    def now(self, form: PromQueryFormat = PromQueryFormat.TIME_SERIES) -> prometheus.Dataquery:
        """As it is at the end of the time shown."""
        return (
            prometheus.Dataquery()
            .expr(self.expr)
            .legend_format(self.legend)
            .instant()
            .format(form)
            .ref_id("A")
        )


def graph(title: str, said: str, unit: str, *queries: Query, stacked: bool = False, width: int = 8) -> Panel:
    """Lines over time."""
    panel = timeseries.Panel().title(title).description(said).unit(unit).datasource(SOURCE)
    panel = panel.min(0).fill_opacity(20 if stacked else 0).height(8).span(width)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    for letter, query in zip("ABC", queries, strict=False):
        panel = panel.with_target(query.series().ref_id(letter))
    return panel


def number(
    title: str, said: str, unit: str, query: Query, *steps: tuple[float, str], width: int = 4
) -> Panel:
    """One figure; each step says from where on it has which color, green below the first."""
    levels = [Threshold(value=None, color="green"), *(Threshold(value, color) for value, color in steps)]
    limits = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(levels)
    panel = stat.Panel().title(title).description(said).unit(unit).datasource(SOURCE).thresholds(limits)
    return panel.with_target(query.now()).height(4).span(width)


def ranking(title: str, said: str, query: Query, width: int = 8) -> Panel:
    """The largest first."""
    panel = bargauge.Panel().title(title).description(said).unit("short").datasource(SOURCE).min(0)
    panel = panel.display_mode(BarGaugeDisplayMode.BASIC).orientation(VizOrientation.HORIZONTAL)
    return panel.with_target(query.now()).no_value("none").height(9).span(width)


def listing(title: str, said: str, unit: str, query: Query, hidden: Sequence[str], width: int = 12) -> Panel:
    """Series as rows, their labels as columns."""
    left_out = dict.fromkeys(("Time", "__name__", "job", *hidden), True)
    tidy = DataTransformerConfig(id_val="organize", options={"excludeByName": left_out})
    panel = table.Panel().title(title).description(said).unit(unit).datasource(SOURCE)
    panel = panel.with_target(query.now(PromQueryFormat.TABLE)).with_transformation(tidy)
    return panel.no_value("none").height(9).span(width)


def built(
    uid: str, title: str, said: str, rows: Sequence[tuple[str, Sequence[Panel]]], since: str
) -> Dashboard:
    """A dashboard with a choice of data source and gateways."""
    gateways = dashboard.QueryVariable("instance").label("Gateway").datasource(SOURCE)
    gateways = gateways.query("label_values(onward_ready, instance)").multi(True).include_all(True)
    gateways = gateways.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    board = dashboard.Dashboard(title).uid(uid).description(said).tags(["onward"]).readonly()
    board = board.time(since, "now").timezone("browser").refresh("1m")
    board = board.with_variable(
        dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
    )
    board = board.with_variable(gateways)
    ids = itertools.count(1)
    for name, panels in rows:
        board = board.with_row(dashboard.Row(name).id(next(ids)))
        for panel in panels:
            board = board.with_panel(panel.id(next(ids)))
    return board.build()


def network() -> Dashboard:
    """For those who run gateways."""

    def of(rule: str, *more: str) -> str:
        return f"{rule}{{{', '.join((HERE, *more))}}}"

    now = (
        number("Ready", "Gateways that take traffic.", "short", Query(f"sum({of('onward_ready')})", "")),
        number(
            "Transfers",
            "Decided each second.",
            "reqps",
            Query(f"sum({of('instance:onward_transfers:rate5m')})", ""),
        ),
        number(
            "Faults",
            "Transfers refused through a fault of the gateway, among all.",
            "percentunit",
            Query(f"max({of('instance:onward_failures:ratio_rate5m')})", ""),
            (0.0001, "orange"),
            (0.01, "red"),
        ),
        number(
            "p95",
            "Arrival to decision.",
            "s",
            Query(f"max({of('instance:onward_inspection_seconds:quantile5m', 'quantile="0.95"')})", ""),
            (1, "orange"),
            (5, "red"),
        ),
        number(
            "Waiting",
            "Bodies that wait for inspection, of those that may.",
            "percentunit",
            Query(f"max({of('instance:onward_inspection_waiting:ratio')})", ""),
            (0.5, "orange"),
            (0.8, "red"),
        ),
        number(
            "Disk free",
            "The state's disk of the gateway that has least.",
            "percentunit",
            Query(f"min({of('instance:onward_state_free:ratio')})", ""),
        ),
    )
    traffic = (
        graph(
            "Transfers by action",
            "Decided each second.",
            "reqps",
            Query(f"sum by (action) ({of('instance_action:onward_transfers:rate5m')})", "{{action}}"),
            stacked=True,
        ),
        graph(
            "Time to decide",
            "Arrival to decision.",
            "s",
            Query(
                f"max by (quantile) ({of('instance:onward_inspection_seconds:quantile5m')})", "p{{quantile}}"
            ),
        ),
        graph(
            "Bodies inspected",
            "Bytes each second.",
            "Bps",
            Query(f"sum by (instance) (rate({of('onward_inspected_bytes_sum')}[5m]))"),
        ),
    )
    saturation = (
        graph(
            "Transfers waiting",
            "For an inspection process.",
            "short",
            Query(of("onward_inspection_waiting_transfers")),
        ),
        graph(
            "Bytes waiting",
            "Of max_waiting_bytes; beyond it transfers are refused.",
            "percentunit",
            Query(of("instance:onward_inspection_waiting:ratio")),
        ),
        graph(
            "Event loop",
            "How late one in a hundred timers runs.",
            "s",
            Query(of("instance:onward_event_loop_lag_seconds:quantile5m")),
        ),
    )
    faults = (
        graph(
            "Faults by reason",
            "Transfers refused each second because the gateway was at fault.",
            "reqps",
            Query(f"sum by (reason) ({of('instance_reason:onward_failures:rate5m')})", "{{reason}}"),
            stacked=True,
        ),
        graph(
            "Refused for the message or the protocol",
            "Blocked each second, by reason.",
            "reqps",
            Query(
                f"sum by (reason) (rate({of('onward_transfers_total', 'action="block"', 'status="none"')}[5m]))",
                "{{reason}}",
            ),
            stacked=True,
        ),
        graph(
            "Rules refused",
            "1 while the rules on disk are broken.",
            "short",
            Query(of("onward_rules_reload_failing")),
        ),
    )
    workers = (
        graph(
            "Inspection processes",
            "Wanted and ready.",
            "short",
            Query(of("onward_workers"), "{{instance}} wanted"),
            Query(of("onward_workers_ready"), "{{instance}} ready"),
        ),
        graph(
            "Lost inspection processes",
            "In an hour.",
            "short",
            Query(f"increase({of('onward_worker_restarts_total')}[1h])"),
        ),
        graph(
            "Memory",
            "Of the proxy, and of all inspection processes.",
            "bytes",
            Query(of("process_resident_memory_bytes", 'job="onward"'), "{{instance}} proxy"),
            Query(of("onward_workers_resident_memory_bytes"), "{{instance}} inspection"),
        ),
    )
    ledger = (
        graph(
            "Records",
            "Written each second.",
            "reqps",
            Query(f"sum by (instance) (rate({of('onward_ledger_append_seconds_count')}[5m]))"),
            width=6,
        ),
        graph(
            "Time to record",
            "p95, until durable.",
            "s",
            Query(of("instance:onward_ledger_append_seconds:quantile5m")),
            width=6,
        ),
        graph(
            "Records waiting",
            "And those no head outside the database covers.",
            "short",
            Query(of("onward_ledger_waiting_records"), "{{instance}} waiting"),
            Query(of("onward_ledger_unsigned_records"), "{{instance}} unsigned"),
            width=6,
        ),
        graph(
            "Releases without outcome",
            "Under way, or lost if they stay.",
            "short",
            Query(of("onward_ledger_open_releases")),
            width=6,
        ),
    )
    rows = (
        ("Now", now),
        ("Traffic", traffic),
        ("Saturation", saturation),
        ("Faults", faults),
        ("Processes", workers),
        ("Ledger", ledger),
    )
    return built("onward-network", "Onward: network", "Whether the gateways do their work.", rows, "now-6h")


def compliance() -> Dashboard:
    """For those who answer for the transfers."""

    def count(metric: str, by: str, *more: str) -> str:
        return f"sum by ({by}) (increase({metric}{{{', '.join((HERE, *more))}}}[$__range]))"

    stopped = 'action=~"hold|block"'
    transfers = "onward_transfers_total"

    def most(metric: str, by: str) -> Query:
        return Query(f"topk(15, {count(metric, by, stopped)} > 0)", f"{{{{{by}}}}}")

    now = (
        number(
            "Transfers",
            "In the time shown.",
            "short",
            Query(f"sum(increase({transfers}{{{HERE}}}[$__range]))", ""),
        ),
        number(
            "Stopped",
            "Held or blocked.",
            "short",
            Query(f"sum(increase({transfers}{{{HERE}, {stopped}}}[$__range]))", ""),
        ),
        number(
            "Waiting for review",
            "Held transfers that nobody has decided on.",
            "short",
            Query(f"max(onward_reviews_waiting{{{HERE}}})", ""),
            (1, "orange"),
        ),
        number(
            "Waits longest",
            "The oldest of them.",
            "s",
            Query(
                f"max((time() - onward_reviews_oldest_timestamp_seconds{{{HERE}}}) and onward_reviews_waiting > 0)",
                "",
            ),
            (86400, "orange"),
            (172800, "red"),
        ),
        number(
            "Shadow mode",
            "UNSAFE if not 0: entries that let refused transfers pass.",
            "short",
            Query(f"sum(onward_shadow_entries{{{HERE}}})", ""),
            (1, "red"),
        ),
        number(
            "Age of the law data",
            "Since it was last compared with its sources.",
            "s",
            Query(f"max(time() - onward_law_data_timestamp_seconds{{{HERE}}})", ""),
            (60 * 86400, "orange"),
            (90 * 86400, "red"),
        ),
    )
    over_time = (
        graph(
            "Transfers by action",
            "Decided each second.",
            "reqps",
            Query(f"sum by (action) (instance_action:onward_transfers:rate5m{{{HERE}}})", "{{action}}"),
            stacked=True,
            width=12,
        ),
        graph(
            "Stopped, among all",
            "Held or blocked.",
            "percentunit",
            Query(f"instance:onward_stopped:ratio_rate5m{{{HERE}}}"),
            width=12,
        ),
    )
    blocked = (
        ranking("By agent", "Held or blocked in the time shown.", most(transfers, "agent")),
        ranking("By reason", "Held or blocked in the time shown.", most(transfers, "reason")),
        ranking("By origin", "Whose law the data follows.", most(transfers, "origin")),
        ranking(
            "By clause",
            "A transfer counts under each of its clauses.",
            most("onward_clause_transfers_total", "clause"),
        ),
        ranking(
            "By category",
            "A transfer counts under each category found in it.",
            most("onward_category_transfers_total", "category"),
        ),
        ranking("By status", "Of the receiving agent's assurance.", most(transfers, "status")),
    )
    assurances = (
        listing(
            "Assurances today",
            "Each agent's status by origin.",
            "short",
            Query(f"max by (agent, origin, status) (onward_assurance_status{{{HERE}}})"),
            ("Value",),
        ),
        listing(
            "What ends next",
            "Time until an assurance ends, within 90 days.",
            "s",
            Query(
                "sort(min by (agent, origin) "
                f"((onward_assurance_expiry_timestamp_seconds{{{HERE}}} - time() > 0) <= 90 * 86400))"
            ),
            (),
        ),
    )
    coverage = (
        graph(
            "Uninspectable",
            "Transfers held or blocked since a part could not be read, among all.",
            "percentunit",
            Query(f"instance:onward_uninspectable:ratio_rate1h{{{HERE}}}"),
        ),
        ranking(
            "Unread parts by reason",
            "In the time shown.",
            Query(f"{count('onward_unread_total', 'reason')} > 0", "{{reason}}"),
        ),
        listing(
            "May pass uninspected",
            "Agents, and for how much longer.",
            "s",
            Query(f"min by (agent) (onward_uninspected_expiry_timestamp_seconds{{{HERE}}} - time() > 0)"),
            (),
            width=8,
        ),
        ranking(
            "Passed uninspected",
            "Connections in the time shown, by agent.",
            Query(f"{count(transfers, 'agent', 'reason="uninspected"')} > 0", "{{agent}}"),
        ),
        ranking(
            "Passed in shadow mode only",
            "UNSAFE: the rules refuse these.",
            Query(f"{count('onward_shadowed_total', 'agent')} > 0", "{{agent}}"),
        ),
        ranking(
            "Personal data found",
            "Findings in the time shown, by kind.",
            Query(f"topk(15, {count('onward_findings_total', 'entity')} > 0)", "{{entity}}"),
        ),
    )
    rows = (
        ("Now", now),
        ("Over time", over_time),
        ("Held or blocked", blocked),
        ("Assurances", assurances),
        ("Coverage", coverage),
    )
    said = "What was stopped, why, and what ends or waits."
    return built("onward-compliance", "Onward: compliance", said, rows, "now-7d")


def text_of(board: Dashboard) -> str:
    """The JSON that Grafana reads."""
    return json.dumps(board, cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


BOARDS = {"network.json": network, "compliance.json": compliance}


def main() -> None:
    """Write them."""
    for name, board in BOARDS.items():
        (FOLDER / name).write_text(text_of(board()), "utf-8")


if __name__ == "__main__":
    main()
