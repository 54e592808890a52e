"""Seed files of a public archive, where they lie beside the project: 154 real articles."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from feedarchiver.gather import folder
from feedarchiver.gather.files import received

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpus"
HEADER = re.compile(rb"<!--([0-9]{13}|NaN)-->\n\[(.*)\]\((https?://[^\n]*)\)\n------\n\n(.*)", re.DOTALL)

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not beside the project")


@pytest.fixture(scope="module")
def taken():
    """Every file of the corpus with what was made of it; one that is refused fails here."""
    found = list(folder.scan(CORPUS, "corpus"))
    return [received(folder.read(seed, 10_000_000), source=seed.source, name=seed.name)[0] for seed in found]


def test_all_are_taken(taken):
    """All 154 files are accepted, none with a warning."""
    assert len(taken) == 154
    assert [one.url for one in taken if one.warnings] == []


def test_fields_are_the_header_s(taken):
    """Title, link and body are the header's and the rest's, byte for byte; a numeric stamp is exactly that instant."""
    for one in taken:
        stamp, title, link, body = HEADER.fullmatch(one.raw).groups()
        article = one.article
        assert (article.title.encode(), article.link.encode()) == (title, link), one.url
        assert (article.content or "").encode() == body or article.content is None, one.url
        if stamp != b"NaN":
            epoch = datetime.fromisoformat("1970-01-01T00:00:00Z")
            assert (article.published - epoch) // timedelta(milliseconds=1) == int(stamp), one.url
            assert article.published_from == "stamp"


def test_nothing_is_invented(taken):
    """The twenty stamped NaN stay undated: a person finds no day of publication in their bodies and links either."""
    undated = [one.url for one in taken if one.raw.startswith(b"<!--NaN-->")]
    assert len(undated) == 20
    assert [one.url for one in taken if one.article.published is None] == undated
