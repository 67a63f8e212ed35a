"""A request for an exemption, from a YAML file, checked against what the law asks to be on record."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from gateway.core.errors import Problem, RulesError
from gateway.core.exemption import Grant
from gateway.core.ruleset import RuleSet
from gateway.ruleplaces import dotted, line_of


def read_grant(file: Path, rules: RuleSet) -> Grant:
    """The request in `file`, without an approval. Raises RulesError with one Problem for each fault."""
    name = str(file)
    try:
        text = file.read_bytes()
        grant = TypeAdapter(Grant).validate_python(YAML(typ="safe").load(text))
    except OSError as error:
        raise RulesError([Problem(name, 0, "", f"cannot be read: {error.strerror}")]) from error
    except YAMLError as error:
        raise RulesError([Problem(name, 0, "", f"is not valid YAML: {type(error).__name__}")]) from error
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise RulesError(
            [Problem(name, line_of(text, one["loc"]), dotted(one["loc"]), str(one["msg"])) for one in faults]
        ) from error
    told = list(grant.problems(rules.exemptions))
    if grant.agent not in {agent.id for agent in rules.agents}:
        told.append(f"agent {grant.agent!r} is not in the register")
    told += [f"category {one!r} does not exist" for one in grant.categories if one not in rules.categories]
    if grant.approver is not None or grant.approved_at is not None or grant.used_at is not None:
        told.append(
            "a request holds no approval and no use; `onward exemptions approve` notes the second person"
        )
    if grant.granted_at.tzinfo is None or grant.expires_at.tzinfo is None:
        told.append("times need a time zone, e.g. 2026-11-24T12:00:00Z")
    if told:
        raise RulesError([Problem(name, 0, "", one) for one in told])
    return grant
