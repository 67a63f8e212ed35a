"""No process that holds what people sent leaves it behind in a core dump."""

from __future__ import annotations

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4


def forbid_core_dumps() -> None:
    """Whatever kills this process from now on, its memory is written nowhere. Raises OSError where that cannot be."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    if sys.platform == "linux":
        # The limit does not hold where the system hands dumps to a program; nor does it keep a debugger of the same
        # user from taking one (`gcore`).
        kernel = ctypes.CDLL(None, use_errno=True)
        if kernel.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "core dumps cannot be forbidden")
