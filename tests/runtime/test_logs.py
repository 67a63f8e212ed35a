"""How the gateway logs: as text, or as one JSON object a line."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

from gateway.logs import form_in_use

LOGS = """
import logging
from gateway.logs import form_in_use, set_up_logging
set_up_logging("info", "json")
log = logging.getLogger("gateway.somewhere")
log.debug("unheard")
log.error("two lines\\nand a %s", "word")
try:
    raise ValueError("kanarienvogel")
except ValueError:
    log.exception("of ours")
    logging.getLogger("other").exception("kanarienvogel")
log.info(form_in_use())
"""


def test_each_line_is_an_object_with_the_same_fields_and_no_text_of_other_libraries():
    done = subprocess.run([sys.executable, "-c", LOGS], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {tuple(line) for line in lines} == {("time", "level", "logger", "process", "message")}
    assert [line["message"] for line in lines][:2] == ["two lines\nand a word", "of ours"]
    assert lines[2]["message"].startswith("ValueError in a library")
    assert "kanarienvogel" not in done.stderr
    assert [line["level"] for line in lines] == ["error", "error", "error", "info"]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(lines[0]["time"])).total_seconds()) < 600
    assert lines[3]["message"] == "json"


def test_without_further_word_it_is_text():
    assert form_in_use() == "text"
