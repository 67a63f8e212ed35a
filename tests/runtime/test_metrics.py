"""Metrics as Prometheus reads them: over HTTP, by the project's own parser."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway.core.assurance import Standing
from gateway.core.decide import REASONS
from gateway.core.errors import SettingsError
from gateway.core.law import Status
from gateway.core.refusals import REFUSALS
from gateway.exposition import MetricsServer
from gateway.ledger.place import place_of
from gateway.metrics import MAX_VALUES, Metrics
from gateway.workers import WorkerPool
from tests.ledgers import a_record, a_recorder
from tests.runtime.handlers import obeying
from tests.runtime.test_workers import ask, until


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def obstacles() -> list[str]:
    return []


@pytest.fixture
def server(metrics, obstacles) -> Iterator[MetricsServer]:
    server = MetricsServer(metrics, lambda: obstacles, "127.0.0.1", 0)
    yield server
    server.close()


def get(server: MetricsServer, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{server.port}{path}", trust_env=False)


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def shown(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(generate_latest(metrics.registry).decode()).get((name, tuple(sorted(labels.items()))))


def a_transfer(metrics: Metrics, **changed: str) -> None:
    values = {
        "agent": "example-llm",
        "status": "claimed",
        "action": "anonymize",
        "reason": "not-assured",
        "origin": "EU+CH",
    }
    metrics.transfer(**values | changed)


def test_a_scrape_over_http_shows_what_was_counted(metrics, server):
    a_transfer(metrics)
    a_transfer(metrics)
    metrics.finding("PL_PESEL", "PL", 3)
    metrics.inspected(0.004, 2048)
    metrics.failed("time-limit")
    response = get(server, "/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    found = samples(response.text)
    labels = {"agent": "example-llm", "status": "claimed", "action": "anonymize", "reason": "not-assured"}
    assert found["onward_transfers_total", tuple(sorted((labels | {"origin": "EU+CH"}).items()))] == 2
    assert found["onward_findings_total", (("entity", "PL_PESEL"), ("region", "PL"))] == 3
    assert found["onward_inspection_seconds_count", ()] == 1
    assert found["onward_inspected_bytes_sum", ()] == 2048
    assert found["onward_failures_total", (("reason", "time-limit"), ("stage", "engine"))] == 1


def test_every_name_has_the_prefix_a_help_text_and_a_base_unit(metrics):
    families = list(text_string_to_metric_families(generate_latest(metrics.registry).decode()))
    ours = [one for one in families if not one.name.startswith(("process_", "python_"))]
    assert len(ours) >= 12
    for family in ours:
        assert re.fullmatch("onward_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        assert not re.search("_(ms|milliseconds|kb|minutes|total|count)$", family.name)
        if family.type == "histogram":
            assert family.name.endswith(("_seconds", "_bytes"))


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("agent", "anna.nowak@example.org"),
        ("agent", "a" * 65),
        ("action", "wave through"),
        ("reason", "because"),
        ("origin", "Anna Nowak"),
        ("origin", "EU+Anna"),
        ("status", "päss"),
    ],
)
def test_a_label_value_from_outside_the_closed_sets_is_counted_as_other(metrics, label, value):
    a_transfer(metrics, **{label: value})
    text = generate_latest(metrics.registry).decode()
    assert value not in text
    assert f'{label}="other"' in text


def test_findings_and_failures_keep_to_closed_sets_too(metrics):
    metrics.finding("Anna Nowak", "Warsaw", 1)
    metrics.failed("Anna Nowak", "Anna Nowak")
    assert shown(metrics, "onward_findings_total", entity="other", region="other") == 1
    assert shown(metrics, "onward_failures_total", reason="other", stage="other") == 1


def test_the_number_of_label_values_is_bounded(metrics):
    for number in range(MAX_VALUES + 50):
        a_transfer(metrics, agent=f"agent-{number}")
    text = generate_latest(metrics.registry).decode()
    assert len(set(re.findall('agent="([^"]+)"', text))) == MAX_VALUES + 1


@pytest.mark.parametrize("reason", sorted({*REASONS, *REFUSALS}))
def test_every_reason_of_the_gateway_keeps_its_name(metrics, reason):
    a_transfer(metrics, reason=reason)
    assert f'reason="{reason}"' in generate_latest(metrics.registry).decode()


def standing(status: Status, last_day: date | None = None) -> Standing:
    return Standing(status, (), last_day=last_day)


def test_an_assurance_counts_to_the_end_of_its_last_day(metrics):
    ends = standing("certified", date(2031, 5, 4))
    metrics.assurances(
        [("a", "EU", ends), ("b", "EU", standing("adequate")), ("c", "CH", standing("lapsed"))]
    )
    last = shown(metrics, "onward_assurance_expiry_timestamp_seconds", agent="a", origin="EU")
    assert last is not None
    midnight = datetime(2031, 5, 5, tzinfo=UTC).timestamp()
    assert midnight - 1 < last <= midnight
    assert shown(metrics, "onward_assurance_expiry_timestamp_seconds", agent="b", origin="EU") == float("inf")
    assert shown(metrics, "onward_assurance_expiry_timestamp_seconds", agent="c", origin="CH") == 0


def test_the_status_of_an_assurance_is_shown_and_changes_with_it(metrics):
    def status(name: str) -> float | None:
        return shown(metrics, "onward_assurance_status", agent="a", origin="EU", status=name)

    metrics.assurances([("a", "EU", standing("certified", date(2031, 5, 4)))])
    assert (status("certified"), status("lapsed")) == (1, None)
    metrics.assurances([("a", "EU", standing("lapsed"))])
    assert (status("certified"), status("lapsed")) == (None, 1)


def test_an_agent_that_left_the_register_is_no_longer_shown(metrics):
    metrics.assurances([("a", "EU", standing("adequate")), ("b", "EU", standing("adequate"))])
    metrics.assurances([("b", "EU", standing("adequate"))])
    assert shown(metrics, "onward_assurance_expiry_timestamp_seconds", agent="a", origin="EU") is None
    assert shown(metrics, "onward_assurance_expiry_timestamp_seconds", agent="b", origin="EU") == float("inf")


def test_a_transfer_counts_by_each_of_its_clauses_and_categories_and_is_the_agents_last(metrics):
    before = time.time()
    metrics.transfer(
        agent="a",
        status="lapsed",
        action="block",
        reason="not-assured",
        origin="EU",
        clauses=("ONWARD-3", "DEF-1"),
        categories={"health", "Anna Nowak"},
    )
    for clause in ("ONWARD-3", "DEF-1"):
        assert shown(metrics, "onward_clause_transfers_total", clause=clause, action="block") == 1
    for category in ("health", "other"):
        assert shown(metrics, "onward_category_transfers_total", category=category, action="block") == 1
    last = shown(metrics, "onward_agent_last_transfer_timestamp_seconds", agent="a")
    assert last is not None
    assert before <= last <= time.time()


def test_every_fault_of_the_gateway_is_counted_from_zero_on_so_that_the_first_is_an_increase(metrics):
    for reason, refusal in REFUSALS.items():
        count = shown(metrics, "onward_failures_total", stage="engine", reason=reason)
        assert count == (0 if refusal.internal else None)


def test_whether_the_gateway_takes_traffic_is_shown_at_each_scrape(metrics, obstacles):
    metrics.ready_when(lambda: not obstacles)
    assert shown(metrics, "onward_ready") == 1
    obstacles.append("the workers have not loaded")
    assert shown(metrics, "onward_ready") == 0


def test_the_rules_in_force_and_a_failed_change_are_shown(metrics):
    metrics.rules("abcdef0123456789", date(2031, 5, 4))
    metrics.reload_failed()
    assert shown(metrics, "onward_rules_info", digest="abcdef012345") == 1
    assert shown(metrics, "onward_rules_reload_failing") == 1
    assert shown(metrics, "onward_rules_reload_failures_total") == 1
    metrics.rules("0123456789abcdef", date(2031, 5, 5))
    assert shown(metrics, "onward_rules_info", digest="abcdef012345") is None
    assert shown(metrics, "onward_rules_reload_failing") == 0
    assert shown(metrics, "onward_law_data_timestamp_seconds") == datetime(2031, 5, 5, tzinfo=UTC).timestamp()


async def test_workers_and_ledger_are_shown_as_they_are_at_the_scrape(metrics, tmp_path):
    ledger = a_recorder(place_of(tmp_path / "ledger.db"))
    await ledger.append(a_record("one"))
    pool = WorkerPool(obeying, workers=1, max_waiting_bytes=1, memory_limit_bytes=2**30)
    metrics.watch(pool, ledger, tmp_path)
    try:
        assert shown(metrics, "onward_workers_ready") == 0
        await pool.start()
        assert shown(metrics, "onward_workers_ready") == 1
        assert (shown(metrics, "onward_workers_resident_memory_bytes") or 0) > 2**20
        assert (
            (shown(metrics, "onward_state_size_bytes") or 0)
            > (shown(metrics, "onward_state_free_bytes") or 0)
            > 0
        )
        pid = await ask(pool, "pid")
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: pool.restarts == 1)
        assert shown(metrics, "onward_worker_restarts_total") == 1
        assert shown(metrics, "onward_ledger_last_sequence") == 1
        metrics.recorded(0.002, 2)
        assert shown(metrics, "onward_ledger_last_sequence") == 2
        assert shown(metrics, "onward_ledger_waiting_records") == 0
        assert shown(metrics, "onward_inspection_waiting_transfers") == 0
        assert shown(metrics, "onward_inspection_waiting_limit_bytes") == 1
    finally:
        await pool.stop()
        ledger.close()


def test_health_says_alive_whatever_stands_in_the_way(server, obstacles):
    obstacles.append("the workers have not loaded")
    assert get(server, "/healthz").status_code == 200


def test_readiness_is_503_with_every_obstacle_until_there_is_none(server, obstacles):
    obstacles += ["the workers have not loaded", "the ledger cannot be written"]
    response = get(server, "/readyz")
    assert (response.status_code, response.text.splitlines()) == (503, obstacles)
    obstacles.clear()
    assert get(server, "/readyz").status_code == 200


def test_a_readiness_that_cannot_be_told_counts_as_not_ready(metrics):
    def unable() -> list[str]:
        raise RuntimeError("Anna Nowak")

    server = MetricsServer(metrics, unable, "127.0.0.1", 0)
    response = get(server, "/readyz")
    server.close()
    assert response.status_code == 503
    assert "Nowak" not in response.text


def test_other_paths_are_not_there(server):
    assert get(server, "/").status_code == 404


def test_an_address_in_use_is_told_with_its_setting(metrics, server):
    with pytest.raises(SettingsError, match="metrics_port"):
        MetricsServer(metrics, list, "127.0.0.1", server.port)


def test_a_closed_server_frees_its_port(metrics, server):
    server.close()
    again = MetricsServer(metrics, list, "127.0.0.1", server.port)
    assert get(again, "/healthz").status_code == 200
    again.close()


def test_ipv6_addresses_can_be_listened_on(metrics):
    server = MetricsServer(metrics, list, "::1", 0)
    assert httpx.get(f"http://[::1]:{server.port}/healthz", trust_env=False).text == "alive\n"
    server.close()


def test_scrapes_say_nothing(server, capfd):
    get(server, "/metrics")
    get(server, "/nowhere")
    assert capfd.readouterr() == ("", "")
