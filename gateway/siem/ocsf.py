"""Entries of the ledger as OCSF events, version 1.6.0 (https://schema.ocsf.io/1.6.0/).

A decision is a Data Security Finding with what the gateway did about it, its outcome closes the finding, an act is
Entity Management. Left out: fingerprints, digests of bodies, senders by log-in, and details of acts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any

from gateway.core.model import USER, Action

SCHEMA = "1.6.0"
PRODUCT = {"name": "Onward", "vendor_name": "Onward", "version": version("onward-gateway")}
MOST = 100
"""Most values of a list in one event; a message has to fit into a datagram."""

# Action and disposition, each with the number and the caption that the schema gives it, and the severity.
_DONE: Mapping[str, tuple[tuple[int, str], tuple[int, str], tuple[int, str]]] = {
    Action.PASS: ((1, "Allowed"), (1, "Allowed"), (1, "Informational")),
    Action.ANONYMIZE: ((4, "Modified"), (11, "Corrected"), (2, "Low")),
    Action.HOLD: ((2, "Denied"), (3, "Quarantined"), (3, "Medium")),
    Action.BLOCK: ((2, "Denied"), (2, "Blocked"), (3, "Medium")),
}
_TITLES: Mapping[str, str] = {
    Action.PASS: "Transfer passed",
    Action.ANONYMIZE: "Transfer anonymized",
    Action.HOLD: "Transfer held for review",
    Action.BLOCK: "Transfer blocked",
}
_KEPT = ("status", "reason", "method", "bytes", "purpose", "exemption", "would", "review")
_LISTS = ("clauses", "origins", "classes", "unread")


def event_of(entry: Mapping[str, Any], ledger: str) -> dict[str, Any]:
    """The event of an entry as `LedgerReader` gives it."""
    match entry.get("kind", "decision"):
        case "decision":
            event = _decision(entry)
        case "outcome":
            event = _outcome(entry)
        case _:
            event = _act(entry)
    event["time"] = _milliseconds(entry["at"])
    event["type_uid"] = event["class_uid"] * 100 + event["activity_id"]
    event["metadata"] = {
        "version": SCHEMA,
        "product": PRODUCT,
        "uid": entry["id"],
        "sequence": entry["seq"],
        "log_name": ledger,
        "original_time": entry["at"],
        **({"profiles": ["security_control"]} if "action_id" in event else {}),
    }
    return event


def _decision(entry: Mapping[str, Any]) -> dict[str, Any]:
    (action, action_name), (disposition, disposition_name), (severity, severity_name) = _DONE[entry["action"]]
    found: Counter[str] = Counter()
    for one in entry["findings"]:
        found[one["entity"]] += one["count"]
    event = _finding(1, "Create", entry["id"], _TITLES[entry["action"]]) | {
        "severity_id": severity,
        "severity": severity_name,
        "action_id": action,
        "action": action_name,
        "disposition_id": disposition,
        "disposition": disposition_name,
        "is_alert": action == 2,
        "message": entry["why"],
        "policy": {"uid": entry["rule"], "version": entry["rules"]},
        "dst_endpoint": {"hostname": entry["host"], "port": entry["port"], "svc_name": entry["agent"]},
        "data_security": {
            "category_id": 1,
            "category": "Personal",
            "data_lifecycle_state_id": 2,
            "data_lifecycle_state": "Data in-Transit",
            "detection_system_id": 2,
            "detection_system": "DLP Gateway",
            "discovery_details": [
                {"type": kind, "count": count} for kind, count in sorted(found.items())[:MOST]
            ],
            "total": found.total(),
        },
    }
    if not entry["source"].startswith(USER):
        event["src_endpoint"] = {"name": entry["source"]}
    kept = {name: entry[name] for name in _KEPT if entry.get(name)}
    lists = {name: sorted(entry.get(name) or ())[:MOST] for name in _LISTS}
    categories = sorted({one["category"] for one in entry["findings"]})
    event["unmapped"] = {"gateway": entry["gateway"], **kept, **lists, "categories": categories}
    return event


def _outcome(entry: Mapping[str, Any]) -> dict[str, Any]:
    return _finding(3, "Close", entry["about"], "Transfer released") | {
        "severity_id": 1,
        "severity": "Informational",
        "status_detail": entry["action"],
        "unmapped": {"gateway": entry["gateway"], "outcome": entry["action"]},
    }


def _finding(activity: int, name: str, uid: str, title: str) -> dict[str, Any]:
    return {
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2006,
        "class_name": "Data Security Finding",
        "activity_id": activity,
        "activity_name": name,
        "finding_info": {"uid": uid, "title": title},
    }


def _act(entry: Mapping[str, Any]) -> dict[str, Any]:
    by = entry["by"]
    agent = {"agent": entry["agent"]} if entry.get("agent") else {}
    return {
        "category_uid": 3,
        "category_name": "Identity & Access Management",
        "class_uid": 3004,
        "class_name": "Entity Management",
        "activity_id": 99,
        "activity_name": entry["action"],
        "severity_id": 1,
        "severity": "Informational",
        "entity": {"uid": entry.get("about") or entry["gateway"]},
        "actor": {"app_name": "onward"} if by == "gateway" else {"user": {"uid": by}},
        "unmapped": {"gateway": entry["gateway"], **agent},
    }


def _milliseconds(at: str) -> int:
    return round(datetime.fromisoformat(at).timestamp() * 1000)
