"""Our recognizers as Presidio's: its AnalyzerEngine runs them, its anonymizer's operators replace what they found.

A page is what the engine gets at once, and all that recognizers need of it travels with it as its NLP artifacts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
from presidio_analyzer.nlp_engine import NlpArtifacts
from presidio_anonymizer.operators import Replace

from gateway.core.detection import DetectionRules
from gateway.core.model import Evidence
from gateway.detect.names import LANGUAGE, PERSON, Mark, NameRules, SpacyEngine
from gateway.detect.patterns import Hit

REGION, EVIDENCE = "onward_region", "onward_evidence"
"""Keys under which a result carries what its value shows of its origin."""


@dataclass(frozen=True, slots=True)
class Page:
    """At most `SLICE` characters of one segment and a margin, with the values that begin in it."""

    text: str
    values: tuple[Hit, ...]
    """Found by patterns and fields, at places in `text`; a long value may end after it."""
    marks: tuple[Mark, ...] = ()
    """The language model's answer."""


class Analyzer:
    """Presidio's engine with our recognizers and nothing else."""

    def __init__(self, rules: DetectionRules, names: NameRules, engine: SpacyEngine) -> None:
        self._engine = engine
        registry = RecognizerRegistry(
            [_ValueRecognizer(rules), _NameRecognizer(names)], supported_languages=[LANGUAGE]
        )
        self._analyzer = AnalyzerEngine(
            registry=registry,
            nlp_engine=engine,
            supported_languages=[LANGUAGE],
            context_aware_enhancer=_NoEnhancer(),
        )

    def analyze(self, page: Page) -> list[Hit]:
        """What is on a page; results of different recognizers may overlap."""
        results = self._analyzer.analyze(
            page.text, LANGUAGE, nlp_artifacts=_PageArtifacts(page, self._engine), score_threshold=0.0
        )
        return [_hit(result) for result in results]


class Replacer:
    """Puts placeholders in the place of values, by Presidio's operator of that name."""

    def __init__(self, placeholder: str) -> None:
        self._placeholder = placeholder
        self._operator = Replace()

    def replacement(self, value: str, entity: str) -> str:
        """What stands where `value` was."""
        new_value = self._placeholder.format(entity=entity)
        return str(self._operator.operate(value, {"new_value": new_value, "entity_type": entity}))


class _PageArtifacts(NlpArtifacts):
    """The page, in the shape in which Presidio hands knowledge of a text to recognizers."""

    def __init__(self, page: Page, engine: SpacyEngine) -> None:
        no_tokens: Any = None
        super().__init__([], no_tokens, [], [], engine, LANGUAGE)
        self.values, self.marks = page.values, page.marks


class _ValueRecognizer(EntityRecognizer):
    """Values that patterns and field names show."""

    def __init__(self, rules: DetectionRules) -> None:
        entities = {one.entity for one in rules.recognizers} | {one.entity for one in rules.fields}
        entities |= {one.entity for one in rules.deny}
        super().__init__(supported_entities=sorted(entities), name="values", supported_language=LANGUAGE)

    def load(self) -> None:
        """Nothing to load: patterns are compiled at construction."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:
        """The values that the scan of the whole segment found to begin on this page."""
        assert isinstance(nlp_artifacts, _PageArtifacts)
        return [_result(one) for one in nlp_artifacts.values]


class _NameRecognizer(EntityRecognizer):
    """People as the model marks them, without what can be no name."""

    def __init__(self, names: NameRules) -> None:
        self._names = names
        super().__init__(supported_entities=[PERSON], name="names", supported_language=LANGUAGE)

    def load(self) -> None:
        """Nothing to load: the model is the engine's."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:
        """Names among the model's entities."""
        assert isinstance(nlp_artifacts, _PageArtifacts)
        return [_result(one) for one in self._names.people(text, nlp_artifacts.marks)]


class _NoEnhancer(ContextAwareEnhancer):
    """Cues are judged by our recognizers, which also know field names; Presidio's lemmas are not needed."""

    def __init__(self) -> None:
        super().__init__(0.0, 0.0, 0, 0)

    def enhance_using_context(
        self, text: str, raw_results: list[RecognizerResult], *args: object, **kwargs: object
    ) -> list[RecognizerResult]:
        """The results as they are."""
        return raw_results


def _result(hit: Hit) -> RecognizerResult:
    metadata = {REGION: hit.region, EVIDENCE: hit.evidence}
    return RecognizerResult(hit.entity, hit.start, hit.end, hit.score, recognition_metadata=metadata)


def _hit(result: RecognizerResult) -> Hit:
    metadata: Mapping[str, Any] = result.recognition_metadata or {}
    return Hit(
        start=result.start,
        end=result.end,
        entity=result.entity_type,
        score=result.score,
        region=metadata.get(REGION),
        evidence=metadata.get(EVIDENCE, Evidence.NONE),
    )
