"""Passwords: argon2id, a few at a time, and as slow for an account that is not there."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 200
"""Signs. Hashing a password of megabytes would be work for nothing."""

# One of the sets that the OWASP cheat sheet on password storage names: one core and 46 MiB for a moment.
_hasher = PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1)
_few = threading.BoundedSemaphore(2)
"""More at a time would let a crowd at the door take the machine, which the gateway may need."""
_NOBODY = _hasher.hash("nobody has this password")


def hashed(password: str) -> str:
    """The hash to keep."""
    with _few:
        return _hasher.hash(password)


def fits(secret: str | None, password: str) -> bool:
    """Whether a password fits the hash; it never fits where there is none, which takes as long to find."""
    with _few:
        try:
            _hasher.verify(secret or _NOBODY, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return secret is not None


def fault_of(password: str, account_id: str) -> str | None:
    """The key of the message that says why a new password is refused; None where it is not."""
    if len(password) < SHORTEST:
        return "password.short"
    if len(password) > LONGEST:
        return "password.long"
    if account_id in password.lower() or len(set(password)) < 5:
        return "password.plain"
    return None
