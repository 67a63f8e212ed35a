"""Held transfers: how long they wait, who may decide on them, and what each decision turns the review into. Pure.

Rules kept here and nowhere else:
 * A review ends once: approved, refused, or expired. What has ended changes no more, save that an approval is used up.
 * Only a listed reviewer with recent training decides; where the class of data asks for four eyes, two do.
 * An approval lets the identical transfer pass: once, or until a day that lies within the longest time allowed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Literal

from gateway.core.law import STRICT
from gateway.core.model import DataClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    """Somebody who may decide on held transfers. `id` stands in the ledger: a role or number, not a name."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    trained_on: date
    reveals: bool = False
    """Whether this reviewer may see what a held transfer says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long the keys of fingerprints are used, and kept."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    rotate_after_days: int
    keep_days: int
    """After a version is no longer used; then it is destroyed, and its fingerprints mean nothing any more."""

    def __post_init__(self) -> None:
        if self.rotate_after_days < 1 or self.keep_days < 1:
            raise ValueError("rotate_after_days and keep_days must be 1 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFile:
    """`rules/policy/review.yaml`: holding, review and retention."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    schema: Literal[1] = 1
    hold_days: int = 7
    """How long a transfer is held when nobody decides."""
    approve_days: int = 30
    """The longest time an approval may last."""
    false_positive_days: int = 90
    training_days: int = 365
    """After so many days a reviewer has to be trained again (SEC-1)."""
    four_eyes: tuple[DataClass, ...] = (DataClass.SPECIAL, DataClass.CRIMINAL, DataClass.UNREAD)
    reviewers: tuple[Reviewer, ...] = ()
    retention: Retention = field(default_factory=lambda: Retention(rotate_after_days=90, keep_days=1095))

    def __post_init__(self) -> None:
        ids = [one.id for one in self.reviewers]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"reviewer {twice[0]!r} is listed twice")
        if min(self.hold_days, self.approve_days, self.false_positive_days, self.training_days) < 1:
            raise ValueError("times must be 1 day or more")

    def eyes(self, classes: Collection[str]) -> int:
        """How many reviewers must approve a transfer with these classes of data."""
        return 2 if any(one in self.four_eyes for one in classes) else 1


class State(StrEnum):
    """Of a review."""

    OPEN = "open"
    SECONDED = "waits-for-second"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"
    USED = "used"
    MARKED = "false-positive"


@dataclass(frozen=True, slots=True)
class Review:
    """A held transfer on its way to a decision."""

    id: str
    agent: str
    state: State
    created: datetime
    expires: datetime
    """When it is given up if nobody decides."""
    eyes: int
    first_by: str | None = None
    until: datetime | None = None
    """When an approval ends."""
    single_use: bool = True

    def on(self, now: datetime) -> Review:
        """The review as it stands now: time ends what waits, and what was approved until a day."""
        waiting = self.state in (State.OPEN, State.SECONDED)
        over = self.expires if waiting else self.until if self.state is State.APPROVED else None
        return replace(self, state=State.EXPIRED) if over is not None and now >= over else self

    def lets_pass(self, now: datetime) -> bool:
        """Whether the identical transfer may pass now. A clock set back before the review began lets nothing pass."""
        return self.on(now).state is State.APPROVED and now >= self.created


class NotAllowed(ValueError):  # noqa: N818 - reads as a sentence where it is raised
    """An act that a review, or its reviewer, does not allow; the message says why."""


def reviewer_for(rules: ReviewFile, reviewer_id: str, day: date, *, reveal: bool = False) -> Reviewer:
    """The reviewer, if allowed to act on this day. Raises NotAllowed."""
    found = next((one for one in rules.reviewers if one.id == reviewer_id), None)
    if found is None:
        raise NotAllowed(f"{reviewer_id!r} is no reviewer; reviewers stand in policy/review.yaml")
    if not found.trained_on <= day <= found.trained_on + timedelta(days=rules.training_days):
        raise NotAllowed(
            f"the training of {reviewer_id} is of {found.trained_on}; it counts for {rules.training_days} days"
        )
    if reveal and not found.reveals:
        raise NotAllowed(
            f"{reviewer_id} may not see what held transfers say (`reveals` in policy/review.yaml)"
        )
    return found


def approved(
    review: Review, by: str, now: datetime, rules: ReviewFile, until: datetime | None = None
) -> Review:
    """The review after `by` approved it, once or `until` a day. Raises NotAllowed."""
    review = _waiting(review, now)
    latest = now + timedelta(days=rules.approve_days)
    if until is not None and not now < until <= latest:
        raise NotAllowed(f"an approval ends within {rules.approve_days} days, by {latest:%Y-%m-%d}")
    if review.eyes > 1 and review.first_by is None:
        return replace(
            review, state=State.SECONDED, first_by=by, until=until or latest, single_use=until is None
        )
    if by == review.first_by:
        raise NotAllowed(f"{by} approved it already; a second reviewer has to")
    if review.first_by is not None and (until or latest) != review.until and until is not None:
        raise NotAllowed("the second approval must be for what the first one was for")
    if review.first_by is None:
        review = replace(review, until=until or latest, single_use=until is None)
    return replace(review, state=State.APPROVED)


def refused(review: Review, now: datetime) -> Review:
    """The review after it was refused. Raises NotAllowed."""
    return replace(_waiting(review, now), state=State.REFUSED)


def marked(review: Review, by: str, now: datetime) -> Review:
    """The review after its findings were marked as no personal data; under four eyes as a second. Raises NotAllowed."""
    review = _waiting(review, now)
    if review.eyes > 1 and review.first_by in (None, by):
        raise NotAllowed("four eyes: another reviewer has to approve it first")
    return replace(review, state=State.MARKED)


def _waiting(review: Review, now: datetime) -> Review:
    review = review.on(now)
    if review.state not in (State.OPEN, State.SECONDED):
        raise NotAllowed(f"the review has ended: {review.state}")
    return review
