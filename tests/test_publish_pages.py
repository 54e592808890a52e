import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.publish.pages import Names, cut, number_of, sealed

counts, sizes = st.integers(0, 400), st.integers(1, 50)


@given(count=counts, size=sizes)
def test_pages_partition_the_log(count, size):
    """Every event is in exactly one document; sealed pages hold `size`, the last at least that if there are as many."""
    *archive, last = cut(count, size)
    assert [event for page in (*archive, last) for event in range(page.first, page.end)] == list(range(count))
    assert [page.number for page in (*archive, last)] == [*range(1, len(archive) + 1), None]
    assert all(page.end - page.first == size for page in archive)
    assert min(count, size) <= last.end - last.first < 2 * size
    assert sealed(count, size) == len(archive)


@given(count=counts, size=sizes)
def test_sealed_pages_stay(count, size):
    """One more event changes no sealed page, and adds one at most."""
    before, after = ([page[:3] for page in cut(number, size)][:-1] for number in (count, count + 1))
    assert after[: len(before)] == before
    assert len(after) - len(before) <= 1


@given(count=counts, size=sizes)
def test_the_chain(count, size):
    """From the subscription document `older` leads through every sealed page, and `newer` back again."""
    pages = {page.number: page for page in cut(count, size)}
    walked, number = [], None
    while (number := pages[number].older) is not None:
        walked.append(number)
        assert pages[pages[number].newer].older == number
    assert walked == sorted(pages.keys() - {None}, reverse=True)
    assert pages[None].newer is None


@pytest.mark.parametrize("ending", ["rss.xml", "atom.xml", "json", "html"])
@pytest.mark.parametrize("number", [1, 999_999, 1_000_000])
def test_numbers_are_read_back(ending, number):
    """The number of a sealed page is read back from its name."""
    path = Names(f"x.{ending}", f".{ending}").path(number)
    assert number_of(path.removeprefix("archive/")) == number


@pytest.mark.parametrize("name", ["", "1.html", "000001.htm", "000001.txt", "a000001.json", "000001.json~", "rss.xml"])
def test_other_names_are_not_ours(name):
    """A file that is called otherwise is nobody's sealed page."""
    assert number_of(name) is None
