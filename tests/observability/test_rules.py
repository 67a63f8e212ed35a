"""Scrape configuration, recording rules and alerts, as promtool and the gateway's own list of metrics judge them."""

from __future__ import annotations

import re

from tests.observability.kit import KIT, ROOT, named_in, promtool, rules


def test_prometheus_takes_configuration_and_rules():
    assert "SUCCESS: 2 rule files found" in promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "--lint=all", "--lint-fatal", "recording.yml", "alerts.yml")


def test_each_alert_fires_when_it_should_and_not_before():
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")
    tested = (KIT / "alerts_test.yml").read_text("utf-8")
    alerts = [rule["alert"] for rule in rules("alerts.yml")]
    assert [name for name in alerts if f'{{alertname="{name}", instance="bad"' not in tested] == []


def test_rules_name_only_metrics_that_exist(metrics):
    known = metrics | {rule["record"] for rule in rules("recording.yml")}
    for rule in (*rules("alerts.yml"), *rules("recording.yml")):
        assert named_in(rule["expr"]) - known == set()


def test_each_alert_says_whose_it_is_and_has_its_place_in_the_runbook():
    runbook = (ROOT / "docs" / "observability.md").read_text("utf-8")
    headings = {heading.lower() for heading in re.findall("^### (.+)$", runbook, re.MULTILINE)}
    for rule in rules("alerts.yml"):
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["labels"]["team"] in {"network", "compliance"}
        page, _, place = rule["annotations"]["runbook"].partition("#")
        assert (page, place) == ("docs/observability.md", rule["alert"].lower())
        assert place in headings


def test_the_readme_names_every_metric_and_no_other(metrics):
    section = (ROOT / "README.md").read_text("utf-8").partition("\n## Metrics\n")[2].partition("\n## ")[0]
    ours = {name for name in metrics if name.startswith("onward_")}
    assert set(re.findall("`(onward_[a-z_]+)`", section)) == ours
