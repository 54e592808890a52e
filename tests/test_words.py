"""How text is cut into words, and what a query means."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.words import Query, folded, tokens

TEXTS = st.text(st.sampled_from('aé Ü中国人民がプ한글ไท"*()-:^\0\u200b\u0301，。AND"'), max_size=30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World", ["hello", "world"]),
        ("中国人", ["中国", "国人", "人"]),
        ("人", ["人"]),
        ("用iPhone拍", ["用", "iphone", "拍"]),
        ("ＡＢＣ１２", ["abc12"]),
        ("Café naïve Ångström", ["cafe", "naive", "angstrom"]),
        ("Cafe\u0301", ["cafe"]),
        ("Straße", ["strasse"]),
        ("zero\u200bwidth soft\u00adhyphen", ["zerowidth", "softhyphen"]),
        ("が か", ["が", "か"]),
        ("ﾊﾟﾘ", ["パリ", "リ"]),
        ("한국어", ["한국", "국어", "어"]),
        ("snake_case don't", ["snake", "case", "don", "t"]),
        ("\0\ud800。", []),
    ],
)
def test_tokens(text, expected):
    """Words lose case, accents and width; scripts without spaces are cut into pairs and a last character."""
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("中国", '"中国"'),
        ("人", '"人" *'),
        ("中国人民", '"中国 国人 人民"'),
        ("hello world", '"hello" AND "world"'),
        ('"hello world"', '"hello world"'),
        ("“hello world”", '"hello world"'),
        ("iPhone手机", '"iphone 手机"'),
        ("手机iPhone", '"手机 机 iphone"'),
        ("同 同", '"同" *'),
        ("", ""),
        ("。 “” *", ""),
    ],
)
def test_expression(text, expression):
    """A query is words that must all be there; a phrase stands together; only a character alone is a beginning."""
    assert Query.parse(text).expression == expression


@pytest.mark.parametrize(
    "text",
    [
        "AND OR NOT",
        'a" OR "b',
        "title:x",
        "^a*",
        "(",
        "NEAR(a b, 3)",
        "a\0b",
        "'; DROP TABLE words; --",
        "\ud800",
        '"' * 99,
        "中" * 10_000,
        "a " * 5_000,
        "b" * 10_000,
        " ".join(f"w{n}" for n in range(2_000)),
        '"' + "中国 a " * 1_000,
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_hostile_queries(text):
    """Whatever is asked is text: FTS5 takes the expression, and no operator of its own is in it."""
    expression = Query.parse(text).expression
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'ascii')")
    if expression:
        assert db.execute("SELECT * FROM words WHERE words MATCH ?", (expression,)).fetchall() == []
    Query.parse(text).excerpt(text)


@given(TEXTS, TEXTS, TEXTS)
def test_what_is_there_is_found(before, wanted, after):
    """A text that holds the words of a query, apart from others, is found by it, and the hit is marked."""
    text = f"{before} {wanted} {after}"
    query = Query.parse(wanted.replace('"', " "))
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'ascii')")
    db.execute("INSERT INTO words VALUES (?)", (" ".join(tokens(text)),))
    if query.expression:
        assert db.execute("SELECT count(*) FROM words WHERE words MATCH ?", (query.expression,)).fetchone() == (1,)
        assert query.marks(text)


@given(TEXTS, TEXTS, st.one_of(TEXTS, st.sampled_from(["中国 人", '"国 人民"', "中国a", "人 a", "a中", '"a e"'])))
def test_a_query_finds_what_the_index_finds(title, text, query):
    """Asking an article itself and asking the index comes to the same."""
    parsed = Query.parse(query)
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE words USING fts5 (title, text, tokenize = 'ascii')")
    db.execute("INSERT INTO words VALUES (?, ?)", (" ".join(tokens(title)), " ".join(tokens(text))))
    found = parsed.expression and db.execute("SELECT 1 FROM words WHERE words MATCH ?", (parsed.expression,)).fetchone()
    assert parsed.finds(title, text) == bool(found)


@given(TEXTS)
def test_marks_are_in_order_and_inside(text):
    """Marks are in order, do not touch, and lie within the text; an excerpt's lie within the excerpt."""
    query = Query.parse("中 a 人民 e")
    for whole, marks in ((text, query.marks(text)), query.excerpt(text, 8)):
        places = [place for mark in marks for place in mark]
        assert places == sorted(set(places))
        assert not places or (places[0] >= 0 and places[-1] <= len(whole))


def test_folding_twice_changes_nothing_in_common_text():
    """What is folded is folded."""
    text = "ＡＢＣ Café 中国 がぎ ｶﾞ ﬁ ½ İ"
    assert folded(folded(text)) == folded(text)


def test_excerpt():
    """An excerpt is cut where most words of the query stand, at spaces where there are some, and says so."""
    text = "one " * 100 + "Paris then " + "two " * 100 + "paris and LONDON here " + "three " * 100
    excerpt = Query.parse("paris london").excerpt(text, 60)
    assert excerpt.text.startswith("…two")
    assert excerpt.text.endswith("three…")
    assert [excerpt.text[begin:end] for begin, end in excerpt.marks] == ["paris", "LONDON"]
    assert Query.parse("absent").excerpt("short text") == ("short text", ())


def test_marks_of_words_and_characters():
    """A word is marked only where it stands alone; characters of a script without spaces anywhere."""
    assert Query.parse("art").marks("start art Art.") == ((6, 9), (10, 13))
    assert Query.parse("国").marks("中国国家") == ((1, 3),)
    assert Query.parse("cafe").marks("un Café!") == ((3, 7),)
