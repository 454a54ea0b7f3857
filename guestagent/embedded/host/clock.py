"""The wall clock, and times as OpenStack writes them."""

from __future__ import annotations

from datetime import datetime, timezone


def get_utc_time() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(timezone.utc)


def format_timestamp(time: datetime | None) -> str | None:
    """Format a time as OpenStack does."""
    return None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")
