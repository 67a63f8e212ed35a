"""The shipped rules; a detector without a language model, and one with the shipped model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import spacy

import gateway
from gateway.core.detection import DetectionRules
from gateway.core.model import Finding, Segment
from gateway.detect import Detector
from gateway.rulefiles import load_rules
from gateway.settings import shipped

Find = Callable[..., list[tuple[str, str]]]


@pytest.fixture(scope="session")
def rules() -> DetectionRules:
    return load_rules(shipped("rules")).detection


@pytest.fixture(scope="session")
def no_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that knows no names, so that what is found is the rules' doing."""
    folder = tmp_path_factory.mktemp("model")
    spacy.blank("xx").to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def detector(rules: DetectionRules, no_model: Path) -> Detector:
    return Detector(rules, no_model)


@pytest.fixture(scope="session")
def naming(rules: DetectionRules) -> Detector:
    return Detector(rules, Path(gateway.__file__).parent / "models" / "names-xx")


def segments(*values: str | tuple[str, str]) -> list[Segment]:
    """Segments from texts, or pairs of label and text."""
    pairs = [("", one) if isinstance(one, str) else one for one in values]
    return [Segment(f"body.json:/{place}", text, label) for place, (label, text) in enumerate(pairs)]


def values_of(findings: tuple[Finding, ...], among: list[Segment]) -> list[tuple[str, str]]:
    """Entity and text of each finding."""
    texts = {one.address: one.text for one in among}
    return [(one.entity, texts[one.address][one.start : one.end]) for one in findings]


@pytest.fixture(scope="session")
def find(detector: Detector) -> Find:
    def find(*values: str | tuple[str, str]) -> list[tuple[str, str]]:
        among = segments(*values)
        return values_of(detector.detect(among), among)

    return find


@pytest.fixture(scope="session")
def find_names(naming: Detector) -> Find:
    def find(*values: str | tuple[str, str]) -> list[tuple[str, str]]:
        among = segments(*values)
        return values_of(naming.detect(among), among)

    return find
