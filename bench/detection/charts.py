"""The pictures of the page: bars for each tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

mpl.use("svg")
# The same figures give the same file, and text stays text.
mpl.rcParams.update({"svg.hashsalt": "onward", "svg.fonttype": "none", "font.family": "sans-serif"})
COLORS = ("#0b6e4f", "#c8553d", "#e0a458", "#5b7db1")


def bars(
    path: Path,
    title: str,
    unit: str,
    figures: Mapping[str, Sequence[float | None]],
    tools: Sequence[str],
    *,
    logarithmic: bool = False,
) -> None:
    """Write a picture with a group of bars for each of `figures`, one bar a tool; None stands for "not asked"."""
    height = 0.8 + len(figures) * (0.12 * len(tools) + 0.12)
    picture, axes = plt.subplots(figsize=(8, height), layout="constrained")
    thick = 0.8 / len(tools)
    for at, tool in enumerate(tools):
        places = [group + at * thick for group in range(len(figures))]
        axes.barh(
            places, [row[at] or 0 for row in figures.values()], thick * 0.9, label=tool, color=COLORS[at]
        )
    middle = (len(tools) - 1) * thick / 2
    axes.set_yticks([group + middle for group in range(len(figures))], list(figures))
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.set_title(title, loc="left")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    if logarithmic:
        axes.set_xscale("log")
    picture.legend(loc="outside lower center", ncols=len(tools), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, metadata={"Date": None}, facecolor="white")
    plt.close(picture)
