"""The dashboards are what their script gives, fit Grafana's types, and ask for nothing that is not there."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from ruamel.yaml import YAML

from tests.observability.kit import KIT, expressions_of, named_in, panels_of, promtool, rules

GRAFANA = KIT / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def board(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(json.loads(request.param.read_text("utf-8")))


def test_the_files_are_what_the_script_gives():
    script = runpy.run_path(str(GRAFANA / "dashboards.py"))
    given = {name: script["text_of"](board()) for name, board in script["BOARDS"].items()}
    assert {file.name: file.read_text("utf-8") for file in FILES} == given, "run make dashboards"


def test_a_dashboard_fits_grafanas_types_and_loses_nothing_in_them(board):
    typed = json.dumps(Dashboard.from_json(board), cls=JSONEncoder)
    assert json.loads(typed) == board


def test_panels_stand_beside_each_other_and_each_says_what_it_shows(board):
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + across, place["y"] + down)
            for across in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken
        assert max(across for across, _ in cells) < 24
        taken |= cells
    assert all(panel["title"] and panel["description"] for panel in panels_of(board))
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    for panel in panels_of(board):
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == list("ABC")[: len(letters)]


def test_expressions_can_be_parsed_and_name_only_metrics_and_rules_that_exist(board, metrics, tmp_path: Path):
    asked = expressions_of(board)
    document = {
        "groups": [
            {
                "name": "panels",
                "rules": [{"record": f"panel_{n}", "expr": one} for n, one in enumerate(asked)],
            }
        ]
    }
    YAML().dump(document, tmp_path / "panels.yml")
    assert f"{len(asked)} rules found" in promtool("check", "rules", tmp_path / "panels.yml")
    known = metrics | {rule["record"] for rule in rules("recording.yml")}
    assert [(one, unknown) for one in asked if (unknown := named_in(one) - known)] == []
    assert [one for one in asked if not named_in(one)] == []


def test_every_panel_is_limited_to_the_gateways_chosen(board):
    for panel in panels_of(board):
        assert all('instance=~"$instance"' in target["expr"] for target in panel["targets"])
    (gateways,) = (one for one in board["templating"]["list"] if one["name"] == "instance")
    assert re.search(r"label_values\((\w+), instance\)", json.dumps(gateways)).group(1) == "onward_ready"


def test_provisioning_names_the_data_source_and_folder_of_the_dashboards():
    source = YAML(typ="safe").load(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")
    assert [one["type"] for one in source["datasources"]] == ["prometheus"]
    folders = YAML(typ="safe").load(GRAFANA / "provisioning" / "dashboards" / "onward.yml")
    assert [one["type"] for one in folders["providers"]] == ["file"]
