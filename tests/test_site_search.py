import json
import random
import re
import struct
from base64 import b64decode
from bisect import bisect
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.publish import site_terms
from feedarchiver.publish.site_search import (
    BLOCK,
    MANIFEST,
    Segment,
    gone,
    grown,
    paths,
    searchable,
    segments,
)
from feedarchiver.publish.site_terms import BOUNDS, CELLS, PAIR_CELLS, found_by
from feedarchiver.words import UNSPACED, folded

WHEN = datetime(2024, 1, 2, tzinfo=UTC)
WORD_CELLS = len(BOUNDS) + 1


def entry(number, text="北京的新闻 and words"):
    return searchable(f"articles/{number}.html", f"Title {number}", text, WHEN, "zh")


def never(path):
    raise AssertionError(f"read {path}")


def grew(before, after, added, read):
    return {document.path: document.data for document in grown(before, after, added, read, BytesIO())}


def built(count, text="北京 news"):
    return grew(0, count, (entry(n, text) for n in range(count)), never)


def terms_of(text):
    """Read the lines of a text: words, each in its cell, then pairs, each term once."""
    held = found_by(text)
    words = [word for line in held[:WORD_CELLS] for word in line.split()]
    assert all(bisect(BOUNDS, word) == cell for cell in range(WORD_CELLS) for word in held[cell].split())
    pairs = []
    for cell, line in enumerate(held[WORD_CELLS:]):
        for above, beside, low in struct.iter_unpack("3B", b64decode(line, altchars="+_")):
            pairs.append((above << 8 | low ^ cell, beside << 8 | low))
    assert len(words) == len(set(words))
    assert len(pairs) == len(set(pairs))
    return {*words, *(chr(first) + chr(second) for first, second in pairs)}


def test_terms_are_pairs_and_words():
    """Text without spaces is found by pairs of neighbours, other text by words; case and accents do not matter."""
    assert terms_of("新闻：ÉTÉ 2024年，x") == {"新闻", "ete", "2024", "x"}
    assert terms_of("新闻：ETE 2024年，x") == {"新闻", "ete", "2024", "x"}
    assert terms_of("の_パリ 𠮷野家，" + "W" * 40) == {"パリ", "\ud842\udfb7", "\udfb7野", "野家", "w" * 32}


PLAIN = [character for number in range(0x10000) if site_terms._PLAIN.fullmatch(character := chr(number))]


def found_folded(text):
    """List what a text would be found by if it were folded whatever it is."""
    terms = set()
    for run in re.findall(rf"[{UNSPACED}]+|[^\W_{UNSPACED}]+", folded(text)):
        if re.match(f"[{UNSPACED}]", run):
            units = [chr(unit) for (unit,) in struct.iter_unpack("<H", run.encode("utf-16-le"))]
            terms |= {first + second for first, second in pairwise(units)}
        else:
            terms.add(run[:32])
    return terms


def test_the_short_way_finds_the_same():
    """What is not folded, since it need not be, is found by what folding would have found: every character of it."""
    for start in range(0, len(PLAIN), 1_000):
        text = " ".join(f"A{character}b 中{character}文" for character in PLAIN[start : start + 1_000])
        assert site_terms._PLAIN.fullmatch(text)
        assert terms_of(text) == found_folded(text)


@given(st.text(st.sampled_from("aZ1 中国ーか가_，Ü\u0301\u3099ｶ𠮷②🎉\u00ad\ufe0f"), max_size=40))
def test_text_is_cut_as_it_is_folded(text):
    """What has to be folded is, before it is cut."""
    assert terms_of(text) == found_folded(text)


@pytest.mark.parametrize("count", [0, 1, 8, 9, 31, 32, 33, 64, 100, 513])
def test_files_are_those_named(count):
    """The files of an index are those that `paths` names, and it takes few segments to cover all entries."""
    assert sorted(built(count)) == sorted(paths(count))
    covered = sum(segment.size for segment in segments(count))
    assert count <= covered < count + 8


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_growth_does_not_show(steps):
    """Entries added in any portions give the bytes that they give all at once; what is gone was there."""
    files, count = {}, 0
    for step in steps:
        files |= grew(count, count + step, map(entry, range(count, count + step)), files.__getitem__)
        for path in gone(count, count + step):
            del files[path]
        count += step
    assert files == grew(0, count, map(entry, range(count)), never)


def test_the_largest_segments_are_never_written_again():
    """One comes out the same from smaller ones; then the index grows as before, and nothing touches it again."""
    files = built(4_104, "ab")
    some = built(3_700, "ab")
    more = grew(3_700, 4_104, (entry(number, "ab") for number in range(3_700, 4_104)), some.__getitem__)
    assert {path: (some | more)[path] for path in files} == files
    assert Segment(4096, 0) in segments(4_104)
    changed = list(grew(4_104, 4_105, [entry(4_104)], files.__getitem__))
    assert not any("/4096/" in path for path in changed)
    assert len(changed) <= 8
    assert changed[-1] == MANIFEST


def test_a_killed_build_is_made_good():
    """Files that hold more than their manifest counts are brought to what they should be."""
    files = built(10)
    ahead = grew(10, 11, [entry(10, "other 文字")], files.__getitem__)
    mixed = {**files, **{path: data for path, data in ahead.items() if path != MANIFEST}}
    again = grew(10, 11, [entry(10, "same 北京")], mixed.__getitem__)
    right = grew(10, 11, [entry(10, "same 北京")], files.__getitem__)
    assert again == right


def test_rows_are_in_blocks():
    """What results show stands in blocks of JSON, an entry at its number."""
    files = built(BLOCK + 1)
    value = files["search/entries/000001.js"].decode().removeprefix('arrived("entries/000001",').removesuffix(")\n")
    (row,) = json.loads(value)
    assert row == [f"articles/{BLOCK}.html", "2024-01-02", f"Title {BLOCK}", "北京 news", "zh"]


def test_hostile_text_stays_a_value():
    """No text ends the value that it stands in: files are calls with two literals."""
    bad = '"),alert(1)//|a b\\ \u2028</script>\n'
    row = searchable("articles/1.html", bad, bad, WHEN, None).row
    assert json.loads(row)[2] == bad
    for path, data in grew(0, 1, [searchable("articles/1.html", bad, bad, WHEN, None)], never).items():
        name = json.dumps(path.removeprefix("search/").removesuffix(".js"))
        text = data.decode()
        assert text.startswith(f"arrived({name},")
        json.loads(text.removeprefix(f"arrived({name},").removesuffix(")\n"))


def test_cells():
    """All words with one beginning stand together; pairs are spread over cells that are as large as each other."""
    held = found_by("北京 oxford oxfordshire oxf oxe ox")
    assert len(held) == CELLS == 384
    assert [line for line in held if line] == ["oxe ox ", "oxford oxfordshire oxf ", "U06s"]
    text = "".join(map(chr, random.Random(7).choices(range(0x4E00, 0x9FA6), k=20_000)))
    lengths = [len(line) / 4 for line in found_by("的".join(text))[WORD_CELLS:]]
    assert 0.6 < min(lengths) / (sum(lengths) / PAIR_CELLS) < max(lengths) / (sum(lengths) / PAIR_CELLS) < 1.4


def test_long_articles_are_bounded():
    """An article of any length costs no more than its first part."""
    text = "".join(chr(0x4E00 + number % 20_000) for number in range(200_000))
    assert sum(map(len, found_by(text))) <= 2 * site_terms._MOST_TEXT
