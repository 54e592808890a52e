"""feedarchiver.gather.dated: dates as pages write them for people."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.gather.dated import Writing, read

CHINA = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01", (2024, 5, 1)),
        ("发布时间：2022-6-18 10:40　点击：318", (2022, 6, 18, 2, 40)),
        ("2023年11月5日 星期日 下午3:07 来源：本站", (2023, 11, 5, 7, 7)),
        ("2023年11月05日08时30分", (2023, 11, 5, 0, 30)),
        ("2023 年 1 月 5 日", (2023, 1, 4, 16)),
        ("2023年9月5日（火）6時13分", (2023, 9, 4, 22, 13)),
        ("2023년 9월 5일 오후 1:05", (2023, 9, 5, 5, 5)),
        ("Posted on March 3rd, 2024 at 10:30 by Jo", (2024, 3, 3, 2, 30)),
        ("By Jo | 14 May 2024", (2024, 5, 13, 16)),
        ("Updated: 2024-05-01T10:00:00Z", (2024, 5, 1, 10)),
        ("2024-05-01T10:00:00+02:00", (2024, 5, 1, 8)),
    ],
)
def test_dates(text, expected):
    """A date is found among words, in the order and the signs of its language, in the zone of its source."""
    if text == "2024-05-01":
        expected = (2024, 4, 30, 16)
    assert read(text, Writing(zone=CHINA)) == datetime(*expected, tzinfo=UTC)


def test_time_without_zone():
    """Of a time whose zone nobody says, the day is kept."""
    assert read("2023年11月5日 10:30") == datetime(2023, 11, 5, tzinfo=UTC)
    assert read("2023-11-05 10:30:15") == datetime(2023, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "3 hours ago", "昨天 10:30", "05-11", "11月5日", "10:30", "2023年13月5日", "Story 2024", "soon"]
)
def test_no_date(text):
    """What is relative, has no year, or is no date is not guessed."""
    assert read(text, Writing(zone=CHINA)) is None


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("05.04.24, 10:30", "%d.%m.%y, %H:%M", (2024, 4, 5, 2, 30)),
        ("Am 05.04.2024", "%d.%m.%Y", (2024, 4, 4, 16)),
        ("2024/05/01 10:00 +0000 (edited)", "%Y/%m/%d %H:%M %z", (2024, 5, 1, 10)),
        ("yesterday", "%Y", None),
    ],
)
def test_format(text, form, expected):
    """A source's own format is obeyed, also where words stand before or after."""
    assert read(text, Writing(format=form, zone=CHINA)) == (expected and datetime(*expected, tzinfo=UTC))


def test_format_without_zone():
    """A time in a format without a zone, of a source without one, is a day."""
    assert read("2024-05-01 23:30", Writing(format="%Y-%m-%d %H:%M")) == datetime(2024, 5, 1, tzinfo=UTC)


@given(st.text(max_size=80), st.sampled_from([None, "%Y-%m-%d", "%H:%M", "%Z %c"]), st.booleans())
def test_any_text(text, form, day_first):
    """Any text is an instant in UTC, or none."""
    found = read(text, Writing(format=form, zone=CHINA, day_first=day_first))
    assert found is None or found.utcoffset() == timedelta(0)
