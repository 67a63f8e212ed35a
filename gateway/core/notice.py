"""The typed form of `rules/policy/notice.yaml`: what was published, and what notice and records of processing say.

A type of third party is what the policy's notice names: its role, for what it gets data, and in which country it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from gateway.core.law import STRICT, Role


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PartyType:
    """A type of third party (NOTICE-1)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    role: Role
    purpose: str
    country: str
    """ISO code of the entity's country."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The notice as people can read it now (NOTICE-7)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    version: str
    """A version of `policy/company.yaml`."""
    address: str
    sha256: str
    """Of the bytes at that address, hexadecimal."""
    types: tuple[PartyType, ...]

    def __post_init__(self) -> None:
        if not self.address.startswith("https://"):
            raise ValueError("address must begin with https://")
        if len(self.sha256) != 64 or self.sha256.strip("0123456789abcdef"):
            raise ValueError("sha256 must be 64 hexadecimal digits in lower case")

    def missing(self, seen: Collection[PartyType]) -> tuple[PartyType, ...]:
        """Types that were seen and are not in this notice."""
        return tuple(sorted(set(seen) - set(self.types)))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFile:
    """`rules/policy/notice.yaml`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1]
    people: tuple[str, ...]
    """Categories of data subjects."""
    retention: str
    security: str
    published: Published | None = None
