"""All cases. A module of cases is added here, and nowhere else."""

from __future__ import annotations

from tests.carriers import binary, documents, files, formats, values, written
from tests.carriers.case import Case

CASES: tuple[Case, ...] = (
    *formats.CASES,
    *values.CASES,
    *binary.CASES,
    *documents.CASES,
    *written.CASES,
    *files.CASES,
)
