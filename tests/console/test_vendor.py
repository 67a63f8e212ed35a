"""What others made is here as they published it, under a licence that is here too."""

from __future__ import annotations

import hashlib
import re

from gateway.console.service import FOLDER

VENDOR = FOLDER / "static" / "vendor"


def test_every_library_is_the_one_that_is_named_with_its_licence():
    named = dict(re.findall(r"\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|", (VENDOR / "README.md").read_text()))
    assert set(named) == {file.name for file in VENDOR.glob("*.js")}
    for name, digest in named.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
        assert (VENDOR / f"{name.split('.')[0]}.LICENSE").stat().st_size > 100


def test_no_page_asks_another_host_for_anything():
    for file in [*(FOLDER / "templates").glob("*.html"), *(FOLDER / "static").glob("*.*")]:
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(https?:)?//[a-z]", text.replace("// ", "")), file.name
