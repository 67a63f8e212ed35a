"""All cases. A module of cases is added here, and nowhere else."""

from __future__ import annotations

from tests.carriers import binary, files, formats, values
from tests.carriers.case import Case

CASES: tuple[Case, ...] = (*formats.CASES, *values.CASES, *binary.CASES, *files.CASES)
