"""Every metric has its row in the README, and the README makes none up."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from gateway.ledger.place import place_of
from gateway.metrics import Metrics
from gateway.workers import WorkerPool
from tests.ledgers import a_recorder
from tests.runtime.handlers import obeying

ROOT = Path(__file__).parents[2]


def exposed(folder: Path) -> set[str]:
    """Names of the gateway's metrics as a rule or a panel names them, without the parts of histograms."""
    metrics = Metrics()
    pool = WorkerPool(obeying, workers=1, max_waiting_bytes=1, memory_limit_bytes=1)
    with contextlib.closing(a_recorder(place_of(folder / "ledger.db"))) as ledger:
        metrics.watch(pool, ledger, folder)
        families = list(metrics.registry.collect())
    return {
        f"{one.name}_total" if one.type == "counter" else one.name
        for one in families
        if one.name.startswith("onward_")
    }


def test_the_readme_names_every_metric_and_no_other(tmp_path):
    section = (ROOT / "README.md").read_text("utf-8").partition("\n## Metrics\n")[2].partition("\n## ")[0]
    assert set(re.findall("`(onward_[a-z_]+)`", section)) == exposed(tmp_path)
