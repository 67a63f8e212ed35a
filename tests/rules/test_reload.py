"""Rules are reloaded while transfers are decided: each is judged by the rules that it began with, as they say."""

from __future__ import annotations

from pathlib import Path

from bench.decisions import copied, deciding_through_reloads


def test_no_transfer_is_refused_or_misjudged_while_the_agents_are_reloaded(tmp_path: Path):
    rules = copied(tmp_path, agents=40, files=4)

    done = deciding_through_reloads(rules, agents=40, reloads=4)

    assert done.decided > 100
    assert done.wrong == 0
    assert done.slowest_reload_s > 0
