"""feedarchiver.dates."""

import locale
import time
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver import dates

PARIS = ZoneInfo("Europe/Paris")
NOV_4 = datetime(2023, 11, 4, tzinfo=UTC)
AT_22_45 = datetime(2023, 11, 4, 22, 45, 1, tzinfo=UTC)

instants = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


# Stamps


@pytest.mark.parametrize(
    ("text", "instant", "provenance"),
    [
        ("1699137901000", AT_22_45, "stamp"),
        (" 1699137901000 ", AT_22_45, "stamp"),
        ("1699137901", AT_22_45, "stamp-seconds"),
        ("1699137901.25", AT_22_45.replace(microsecond=250_000), "stamp-seconds"),
        ("1699137901001", AT_22_45.replace(microsecond=1_000), "stamp"),
        ("1699137901000.0019", AT_22_45.replace(microsecond=1), "stamp"),
        ("0", datetime(1970, 1, 1, tzinfo=UTC), "stamp"),
        ("-1", datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC), "stamp"),
        ("-62135596800000", datetime(1, 1, 1, tzinfo=UTC), "stamp"),
        ("253402300799999", datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC), "stamp"),
    ],
)
def test_stamp_is_an_instant(text, instant, provenance):
    """A decimal stamp is milliseconds, a ten-digit one seconds; 0, negative and far-future ones are instants."""
    assert dates.from_stamp(text) == (instant, provenance)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "",
        "-",
        "abc",
        "1e12",
        "0x10",
        "१६९९",
        "1699137901000ms",
        "1 699",
        "inf",
        "253402300800000",
        "9" * 20,
        "-62135596800001",
        "9" * 5000,
        "1699137901000\x00",
    ],
)
def test_stamp_that_is_none(text):
    """NaN, what is no decimal number and what datetime cannot hold are no date."""
    assert dates.from_stamp(text) is None


@given(st.integers(-62135596800000, 253402300799999))
def test_stamp_is_exact(milliseconds):
    """No stamp loses or gains a millisecond."""
    instant, provenance = dates.from_stamp(str(milliseconds))
    scale = 1_000 if provenance == "stamp-seconds" else 1
    assert (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) == milliseconds * scale


# Texts


@pytest.mark.parametrize(
    "text",
    [
        "2023-11-04T22:45:01Z",
        "2023-11-04t22:45:01z",
        "2023-11-04T22:45:01.000Z",
        "2023-11-04 22:45:01 UTC",
        "2023-11-05T06:45:01+08:00",
        "2023-11-05 06:45:01 +0800",
        "20231104T224501Z",
        "Sat, 04 Nov 2023 22:45:01 GMT",
        "Sat, 4 Nov 2023 22:45:01 +0000",
        "4 Nov 23 22:45:01 UT",
        "Sat, 04 Nov 2023 18:45:01 EDT",
        "Sat, 04-Nov-2023 22:45:01 GMT",
        "Saturday, 04 November 2023 22:45:01 +0000",
        "Sat, 04 Nov 2023 22:45:01 GMT (Greenwich)",
        "Sun Nov 05 2023 06:45:01 GMT+0800 (China Standard Time)",
        "November 4, 2023 10:45:01 PM GMT",
        "04/11/2023 22:45:01 UTC",
        "  2023-11-04T22:45:01Z\n",
    ],
)
def test_one_instant_in_many_writings(text):
    """ISO 8601, RFC 822 and what people write are read as the same instant."""
    assert dates.parse(text, day_first=True) == AT_22_45


@pytest.mark.parametrize(
    ("text", "fraction"),
    [
        ("2016-12-31T23:59:60Z", 0),
        ("2016-12-31T15:59:60.25-08:00", 250_000),
        ("20161231T235960Z", 0),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 0),
    ],
)
def test_a_leap_second(text, fraction):
    """A leap second is the second after it."""
    new_year = datetime(2017, 1, 1, microsecond=fraction, tzinfo=UTC)
    assert dates.parse(text) == dates.for_machines(text, whole=True) == new_year


def test_a_leap_second_without_a_zone():
    """A leap second whose zone is unsaid is one in the zone that is known, or belongs to the day that it names."""
    assert dates.parse("2017-01-01 00:59:60", zone=PARIS) == datetime(2017, 1, 1, tzinfo=UTC)
    assert dates.parse("2016-12-31 23:59:60", zone=PARIS) is None
    assert dates.for_machines("2016-12-31 23:59:60") == datetime(2016, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2023-11-04", "20231104", "2023/11/04", "2023/11/4", "4 November 2023", "Nov 4, 2023", "04/11/2023", "4 Nov 2023"],
)
def test_day_only(text):
    """A day without a time is its first instant, in the caller's zone or else UTC; a year first is always the year."""
    assert dates.parse(text, day_first=True) == NOV_4
    assert dates.parse(text, day_first=True, zone=PARIS) == datetime(2023, 11, 3, 23, tzinfo=UTC)


def test_day_first():
    """12/10/2020 is in December, or in October where the day comes first."""
    assert dates.parse("12/10/2020") == datetime(2020, 12, 10, tzinfo=UTC)
    assert dates.parse("12/10/2020", day_first=True) == datetime(2020, 10, 12, tzinfo=UTC)
    assert dates.parse("26/09/2023 - 10:44".replace(" -", ""), day_first=True, zone=PARIS) == datetime(
        2023, 9, 26, 8, 44, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["2023-11-04T22:45:01", "4 Nov 2023 22:45:01", "November 4, 2023 10:45:01 PM"])
def test_time_without_zone(text):
    """A time without a zone is an instant only if the caller knows the zone."""
    assert dates.parse(text) is None
    assert dates.parse(text, zone=UTC) == AT_22_45
    assert dates.parse(text, zone=timezone(timedelta(hours=-5))) == AT_22_45 + timedelta(hours=5)


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "NaN", "null", "0", "today", "now", "yesterday", "53 分钟前", "hello world", "\0", "\ud800"],
        *[
            "2023",
            "November",
            "Saturday",
            "Nov 2023",
            "2023-11",
            "4 Nov",
            "11/04",
            "Sat 4",
            "10:45",
            "22:45 UTC",
            "Nov 4",
        ],
        *[
            "04/11/23",
            "1 2 3",
            "12",
            "2023-13-01",
            "2023-02-30",
            "2023-11-04T25:00Z",
            "2023-11-04T22:60Z",
            "31 Feb 2023",
        ],
        *["Sat, 04 Nov 2023 22:45:01 XYZ", "2023-11-04T22:45 IST", "4 Nov 2023 22:45 BST", "4 Nov 2023 10:45:01 QST+3"],
        *["2023-11-04T22:45+24:00", "0001-01-01T00:00+01:00", "9999-12-31T23:00-05:00"],
        *[
            "0000-01-01",
            "2023-11-04T22:45:60Z",
            "2016-12-31T23:59:61Z",
            "9999-12-31T23:59:60Z",
            "4 Nov 2023 at noon",
            "x" * 1000,
            "1" * 100,
            "2023-11-04" + " " * 200 + "Z",
        ],
    ],
)
def test_text_that_is_no_date(text):
    """What lacks a year, month or day, names an unknown zone or a day that is none, is no date."""
    assert dates.parse(text, zone=UTC) is None


pieces = st.sampled_from(
    [
        "2023",
        "11",
        "4",
        "-",
        "/",
        ":",
        " ",
        "T",
        "Z",
        "Nov",
        "Sat",
        ",",
        "+0800",
        "GMT",
        "EST",
        "PM",
        "22:45",
        ".",
        "W",
        "nan",
    ]
)


@given(
    st.one_of(
        st.text(), st.lists(pieces, max_size=12).map("".join), st.text(alphabet="0123456789:-+/ TZ", max_size=30)
    ),
    st.booleans(),
    st.sampled_from([None, UTC, PARIS]),
)
def test_parse_never_raises(text, day_first, zone):
    """Any text at all is an instant in UTC, whose year it says, or None."""
    found = dates.parse(text, day_first=day_first, zone=zone)
    assert found is None or (found.tzinfo is UTC and isinstance(found, datetime))


@pytest.mark.parametrize(
    "text", ["1" * 200_000, " " * 200_000 + "x", "2023-11-04T22:45:01." + "0" * 200_000, "(" * 200_000]
)
def test_long_text_costs_nothing(text):
    """A text of a length that no date has is no date, at once."""
    started = time.process_time()
    assert dates.parse(text) is None
    assert time.process_time() - started < 1


# Writing


@pytest.mark.parametrize(
    ("instant", "atom", "rss"),
    [
        (AT_22_45, "2023-11-04T22:45:01Z", "Sat, 04 Nov 2023 22:45:01 +0000"),
        (AT_22_45.astimezone(PARIS), "2023-11-04T22:45:01Z", "Sat, 04 Nov 2023 22:45:01 +0000"),
        (AT_22_45.replace(microsecond=500_000), "2023-11-04T22:45:01.500000Z", "Sat, 04 Nov 2023 22:45:01 +0000"),
        (datetime(7, 1, 2, tzinfo=UTC), "0007-01-02T00:00:00Z", "Tue, 02 Jan 0007 00:00:00 +0000"),
        (datetime(9999, 12, 31, tzinfo=UTC), "9999-12-31T00:00:00Z", "Fri, 31 Dec 9999 00:00:00 +0000"),
    ],
)
def test_written(instant, atom, rss):
    """Instants are written in UTC, with four digits of year, and a fraction only where there is one."""
    assert dates.rfc3339(instant) == atom
    assert dates.rfc822(instant) == rss


@pytest.mark.parametrize("write", [dates.rfc3339, dates.rfc822])
def test_naive_is_not_written(write):
    """A naive datetime is no instant: ValueError."""
    with pytest.raises(ValueError, match="needs a zone"):
        write(datetime(2023, 11, 4))  # noqa: DTZ001


@given(instants)
def test_written_is_read(instant):
    """What is written is read back, to the microsecond in Atom and to the second in RSS."""
    assert dates.parse(dates.rfc3339(instant)) == instant
    assert dates.parse(dates.rfc822(instant)) == instant.replace(microsecond=0)


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_rfc822_as_others_read_it(instant):
    """The standard library reads our RFC 822 as the same instant."""
    assert parsedate_to_datetime(dates.rfc822(instant)) == instant.replace(microsecond=0)


def test_rfc822_in_another_locale():
    """Names stay English whatever the locale."""
    before = locale.setlocale(locale.LC_TIME)
    for name in ("zh_CN.UTF-8", "de_DE.UTF-8", "fr_FR.UTF-8"):
        try:
            locale.setlocale(locale.LC_TIME, name)
            break
        except locale.Error:
            continue
    else:
        pytest.skip("no locale but C and English is installed")
    try:
        assert dates.rfc822(AT_22_45) == "Sat, 04 Nov 2023 22:45:01 +0000"
    finally:
        locale.setlocale(locale.LC_TIME, before)


# Links


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example/2023/11/04/slug",
        "https://x.example/2023/11/04/",
        "https://x.example/2023/11/04",
        "https://x.example/cn/20231104-%E5%9C%9F",
        "https://x.example/a/20231104/b.html",
        "https://x.example/2023-11-04-slug/",
        "https://x.example/news/2023-11-04",
        "https://x.example/1234/56/78/2023/11/04/slug?d=2020/01/01#/2020/01/02/",
        "http://2020/2023/11/04/",
    ],
)
def test_link_with_a_day(url):
    """A day in a link's path is read as midnight UTC."""
    assert dates.from_link(url) == NOV_4


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example/",
        "",
        "https://x.example/2023/11/",
        "https://x.example/2023-11-slug",
        "https://x.example/post/60973bb1383aa3076cd08060",
        "https://x.example/world-20231104",
        "https://x.example/id/20231104",
        "https://x.example/20231304-slug",
        "https://x.example/2023/02/30/slug",
        "https://x.example/1989/06/04/slug",
        "https://x.example/2101/01/01/slug",
        "https://x.example/1234/56/78/slug",
        "https://x.example/120231104-slug",
        "https://x.example/?date=/2023/11/04/",
        "https://x.example#/2023/11/04/",
        "https://x.example?/2023/11/04/",
        "https://2023/11/04/",
        "https://x.example/٢٠٢٣/11/04/",
    ],
)
def test_link_without_a_day(url):
    """Numbers that are no plausible day, months, and days outside the path are not taken for a date."""
    assert dates.from_link(url) is None


@given(st.text())
def test_from_link_never_raises(url):
    """Any link at all is a day or None."""
    found = dates.from_link("https://x.example/" + url)
    assert found is None or 1990 <= found.year <= 2100
