"""Onward as it ships, one text at a time: lines that belong to one request would help each other, these do not.

What is said to be JSON is taken apart first, as in the gateway; its findings have no place in the text: left out.
"""

import gc
import json
import sys
from pathlib import Path

import gateway
from gateway.core.model import Message, Segment
from gateway.decode import Limits, decode
from gateway.detect import Detector
from gateway.rulefiles import load_rules
from gateway.settings import shipped

rules = load_rules(shipped("rules")).detection
model = Path(gateway.__file__).parent / "models" / "names-xx"
version = json.loads((model / "meta.json").read_text("utf-8"))["version"]
detector = Detector(rules, model)
gc.freeze()  # As the gateway's workers do.
print(json.dumps({"tool": f"Onward, {len(rules.recognizers)} recognizers, names-xx {version}"}), flush=True)
for line in sys.stdin:
    row = json.loads(line)
    if row["json"]:
        message = Message("POST", b"/", ((b"content-type", b"application/json"),), row["text"].encode())
        detector.detect(decode(message, Limits(), frozenset()).segments)
        print(json.dumps({"id": row["id"], "findings": []}), flush=True)
        continue
    findings = [
        {"start": one.start, "end": one.end, "entity": one.entity, "score": one.score}
        for one in detector.detect([Segment("text:", row["text"])])
    ]
    print(json.dumps({"id": row["id"], "findings": findings}), flush=True)
