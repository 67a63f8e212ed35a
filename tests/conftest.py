"""Settings for all tests."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

from hypothesis import HealthCheck, settings

# No network, neither here nor in the processes that tests start.
_OFFLINE = Path(__file__).parent / "offline"
os.environ["PYTHONPATH"] = os.pathsep.join([str(_OFFLINE), *filter(None, [os.environ.get("PYTHONPATH")])])
runpy.run_path(str(_OFFLINE / "sitecustomize.py"))

# Where a change is judged, the same examples run each time; elsewhere new ones are looked for.
settings.register_profile("judged", derandomize=True, print_blob=True)
# For `make monotone`: seven laws, so many cases each.
settings.register_profile(
    "thorough", max_examples=8_000, deadline=None, suppress_health_check=list(HealthCheck)
)
if os.environ.get("CI"):
    settings.load_profile("judged")
