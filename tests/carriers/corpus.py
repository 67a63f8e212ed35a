"""All cases. A module of cases is added here, and nowhere else."""

from __future__ import annotations

from tests.carriers import (
    archives,
    binary,
    disguised,
    documents,
    files,
    formats,
    interfaces,
    letters,
    papers,
    places,
    services,
    unusual,
    values,
    written,
)
from tests.carriers.case import Case

CASES: tuple[Case, ...] = (
    *formats.CASES,
    *values.CASES,
    *binary.CASES,
    *documents.CASES,
    *written.CASES,
    *files.CASES,
    *interfaces.CASES,
    *disguised.CASES,
    *papers.CASES,
    *letters.CASES,
    *archives.CASES,
    *places.CASES,
    *services.CASES,
    *unusual.CASES,
)
