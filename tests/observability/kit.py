"""What deploy/observability/ says, read as data."""

from __future__ import annotations

import contextlib
import re
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from gateway.ledger.place import place_of
from gateway.metrics import Metrics
from gateway.workers import WorkerPool
from tests.ledgers import a_recorder
from tests.runtime.handlers import obeying

ROOT = Path(__file__).parents[2]
KIT = ROOT / "deploy" / "observability"


def promtool(*arguments: str | Path, text: str = "") -> str:
    """What promtool says; it must have nothing against it."""
    done = subprocess.run(
        ["promtool", *map(str, arguments)], input=text, capture_output=True, text=True, check=False, cwd=KIT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def rules(name: str) -> list[dict[str, Any]]:
    """The rules of a file."""
    document = YAML(typ="safe", pure=True).load(KIT / name)
    return [rule for group in document["groups"] for rule in group["rules"]]


def exposed(folder: Path) -> set[str]:
    """Names of all metrics of a gateway, histograms without their parts."""
    metrics = Metrics()
    pool = WorkerPool(obeying, workers=1, max_waiting_bytes=1, memory_limit_bytes=1)
    with contextlib.closing(a_recorder(place_of(folder / "ledger.db"))) as ledger:
        metrics.watch(pool, ledger, folder)
        metrics.watch_export(lambda: 0, lambda: 0)
        families = list(metrics.registry.collect())
    return {f"{one.name}_total" if one.type == "counter" else one.name for one in families}


def named_in(expression: str) -> set[str]:
    """Names of metrics in an expression; of a part of a histogram that of the histogram."""
    names = re.findall(r"\b(?:[a-z_]+:)?(?:onward|process)_[a-z0-9_]+(?::[a-z0-9_]+)?", expression)
    return {re.sub("(_seconds|_bytes)_(bucket|sum|count)$", r"\1", name) for name in names}


def panels_of(board: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels of a dashboard that show something."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions_of(board: dict[str, Any]) -> list[str]:
    """What its panels ask, for an hour."""
    targets = [target for panel in panels_of(board) for target in panel["targets"]]
    return [target["expr"].replace("$__range", "1h") for target in targets]
