"""Days and times are those of `datetime`, for whatever a line or a price list can have."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmswitch.base import days


@given(st.dates())
def test_a_date_is_so_many_days(day: date) -> None:
    """From the first year to the last."""
    assert days.number(day.isoformat()) == (day - date(1970, 1, 1)).days


@given(st.datetimes(datetime(1970, 1, 2), datetime(2999, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_a_time_is_so_many_milliseconds(moment: datetime, ahead: int) -> None:
    """As the client writes it, and with a zone of its own."""
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    there = moment.replace(tzinfo=timezone(timedelta(minutes=ahead)))
    assert days.milliseconds(moment.isoformat(timespec="milliseconds") + "Z") == round(
        moment.replace(tzinfo=UTC).timestamp() * 1000
    )
    assert days.milliseconds(there.isoformat()) == round(there.timestamp() * 1000)


@pytest.mark.parametrize("text", ["", "2026", "2026-11-20", "2026-13-01T00:00:00Z", "2026-11-20T", "x" * 24, None, 5,
                                  "2026-11-20T08:09", "2026-11-20T08:09:10+x", "٢٠٢٦-11-20T08:09:10Z"])  # fmt: skip
def test_what_is_no_time_is_none(text: object) -> None:
    """And raises nothing."""
    assert days.milliseconds(text) == 0
