"""Published copies of images: which are, what shows them, what an image that comes later costs."""

import hashlib
import re
import shutil

import images
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_building import BASE, World, article, states

from feedarchiver.archive.archive import Archive
from feedarchiver.model import Feed, Image, Outcome

SHOWN = re.compile(rb"images/([0-9a-f]{64}\.\w+)")


def url(number):
    return f"https://img.example.org/{number}.jpg?w=3&h=4"


def illustrated(number, *pictures, **said):
    """Make an article with images in it."""
    body = "<p>text</p>" + "".join(
        f'<p><img src="{url(one).replace("&", "&amp;")}" width="300">x</p>' for one in pictures
    )
    return article(number, **{"content": body} | said)


def name(data, ending="png"):
    return f"{hashlib.sha256(data).hexdigest()}.{ending}"


def published(world):
    folder = world.out / "images"
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def shown(world):
    """Find the images that any document shows."""
    return {found.decode() for data in world.documents().values() for found in SHOWN.findall(data)}


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.archived_images = True
    return world


def test_every_format_shows_the_copy(world):
    """Feeds show the copy at its public address, pages for people beside them; no one asks the publisher any more."""
    data = images.png(640, 480)
    world.add(illustrated(1, 1))
    world.add_images({url(1): data})
    assert world.build().faults == []
    ours = f"{BASE}images/{name(data)}"
    documents = {path: data.decode() for path, data in world.documents().items() if not path.startswith("images/")}
    assert not [path for path, text in documents.items() if "img.example.org" in text]
    rss, atom, json = (documents[f"all/{path}"] for path in ("rss.xml", "atom.xml", "feed.json"))
    size = f'width="{640}" height="{480}"'
    assert f'<enclosure url="{ours}" length="{len(data)}" type="image/png"/>' in rss
    assert re.search(rf'<link href="{ours}" rel="enclosure" (type="image/png" length="{len(data)}")', atom)
    for xml in (rss, atom):
        assert f'<media:content url="{ours}" medium="image" type="image/png" fileSize="{len(data)}" {size}/>' in xml
        assert f'<media:thumbnail url="{ours}" {size}/>' in xml
        assert f'&lt;img src="{ours}" width="300"&gt;' in xml
    assert f'"image": "{ours}"' in json
    assert f'{{"url": "{ours}", "mime_type": "image/png", "size_in_bytes": {len(data)}}}' in json
    assert f'<img src=\\"{ours}\\"' in json
    assert f'<img src="images/{name(data)}"' in documents["all/index.html"]
    assert f'<img src="images/{name(data)}"' in documents["index.html"]
    (page,) = (text for path, text in documents.items() if path.startswith("articles/"))
    assert f' src="../images/{name(data)}"' in page
    assert published(world) == {name(data): data}


def test_originals_with_true_figures(world):
    """Where originals are shown, what is said of them is still true: told by the bytes, not by who published them."""
    world.archived_images = False
    world.add(illustrated(1, image=Image(url=url(1), type="image/jpeg", length=3, width=1, height=2)))
    world.add_images({url(1): images.png(640, 480)})
    world.build()
    rss = world.documents()["all/rss.xml"].decode()
    original = url(1).replace("&", "&amp;")
    assert f'<enclosure url="{original}" length="{len(images.png(640, 480))}" type="image/png"/>' in rss
    assert f'<media:thumbnail url="{original}" width="640" height="480"/>' in rss
    assert '&lt;img src="https://img.example.org/1.jpg?w=3&amp;amp;h=4" alt="" width="640" height="480"&gt;' in rss
    assert published(world) == {}


@pytest.mark.parametrize(
    ("named", "stored"),
    [
        ("http://img.example.org/a.jpg", "https://img.example.org/a.jpg"),
        ("https://IMG.example.org/a.jpg?utm_source=rss", "https://img.example.org/a.jpg"),
        ("https://img.example.org/%e5%9b%be.jpg", "https://img.example.org/%E5%9B%BE.jpg"),
        ("/relative.jpg", "https://example.org/relative.jpg"),
    ],
)
def test_the_same_address(world, named, stored):
    """A copy is found by what its address means, not by how it is spelled."""
    world.add(article(1, content=f'<p>text</p><img src="{named}">'))
    world.add_images({stored: images.png()})
    world.build()
    assert shown(world) == {name(images.png())}


def test_another_query_is_another_image(world):
    """The same picture at another size is not taken for it, and a name in an article's text is only a text."""
    said = (
        f'<p>text &lt;img src="{url(1)}"&gt;</p><img alt=\'<img src="{url(1)}">\' src="https://img.example.org/1.jpg">'
    )
    world.add(article(1, content=said))
    world.add_images({url(1): images.png()})
    world.build()
    assert shown(world) == set()


def test_a_late_image_costs_what_shows_it(world):
    """An image that comes later changes the documents that hold its article, be they sealed, and touches no other."""
    world.add(*(illustrated(number, number) for number in range(20)))
    world.build()
    before = states(world.out)
    (page,) = (path for path, data in world.documents().items() if path.startswith("articles/") and b"/1.jpg" in data)
    world.add_images({url(1): images.png()})
    done = world.build()
    sealed = {f"all/archive/000001.{ending}" for ending in ("rss.xml", "atom.xml", "json", "html")}
    assert set(done.written) == sealed | {page, f"images/{name(images.png())}"}
    after = states(world.out)
    assert {path for path in before if before[path] != after[path]} == {world.out / path for path in {*sealed, page}}
    world.add_images({url(77): images.png(shade=1)})
    assert world.build().written == []


def test_no_news_no_work(world):
    """Then a build writes nothing, and reads no image: it does not even notice that they are gone."""
    world.add(illustrated(1, 1, 2))
    world.add_images({url(1): images.png()})
    world.build()
    before = states(world.out)
    shutil.rmtree(world.folder / "archive" / "images")
    done = world.build()
    assert (done.written, done.removed, done.faults) == ([], [], [])
    assert states(world.out) == before


def test_what_nothing_shows_goes(world):
    """A published image goes with the last document that shows it: edited, replaced, or switched off."""
    one, two, three = (images.png(shade=shade) for shade in range(3))
    world.add(illustrated(1, 1), illustrated(2, 2))
    world.add_images({url(1): one, url(2): two})
    world.build()
    assert published(world) == {name(one): one, name(two): two}
    world.add(illustrated(1, title="Edited"))
    assert world.build().removed == [f"images/{name(one)}"]
    assert world.add_images({url(2): three}) == [Outcome.VERSION]
    assert world.build().removed == [f"images/{name(two)}"]
    assert published(world) == {name(three): three}
    world.archived_images = False
    assert world.build().removed == [f"images/{name(three)}"]
    assert not (world.out / "images").exists()
    assert shown(world) == set()


def test_an_image_of_two_addresses(world):
    """Equal bytes are one file, which stays as long as anything shows it."""
    world.add(illustrated(1, 1), illustrated(2, 2))
    world.add_images({url(1): images.png(), url(2): images.png()})
    world.build()
    world.add(illustrated(1, title="Edited"))
    assert world.build().removed == []
    assert published(world) == {name(images.png()): images.png()}


def test_changes_show_copies(world):
    """That a picture was replaced is told with the copies of both; one that comes later is put into what was told."""
    world.feeds = (Feed(id="changes", title="Changes", kind="changes"),)
    world.add(illustrated(1, 1))
    world.add(illustrated(1, 2, title="Edited"))
    world.add_images({url(1): images.png()})
    world.build()
    told = world.documents()["changes/rss.xml"].decode()
    assert f'&lt;del&gt;&lt;img src="{BASE}images/{name(images.png())}"' in told
    world.add_images({url(2): images.gif()})
    world.build()
    late = name(images.gif(), "gif")
    told, page = (world.documents()[f"changes/{path}"].decode() for path in ("rss.xml", "index.html"))
    assert f'&lt;ins&gt;&lt;img src="{BASE}images/{late}"' in told
    assert re.search(rf'<ins><img [^>]*src="images/{late}"', page)
    assert shown(world) == published(world).keys()


def test_without_pages(world):
    """Feeds show their images also where there are no pages for people."""
    world.pages = False
    world.add(illustrated(1, 1))
    world.build()
    world.add_images({url(1): images.png()})
    world.build()
    assert published(world) == {name(images.png()): images.png()}
    assert shown(world) == published(world).keys()
    assert world.build().written == []


def test_another_base_url(world):
    """Where the feeds move, they show their images there; the images themselves are not written again."""
    world.add(illustrated(1, 1))
    world.add_images({url(1): images.png()})
    world.build()
    before = states(world.out / "images")
    world.base_url = "https://new.example.net/"
    world.build()
    assert states(world.out / "images") == before
    assert f"https://new.example.net/images/{name(images.png())}".encode() in world.documents()["all/rss.xml"]


@pytest.mark.parametrize("harm", ["gone", "one gone", "strange", "index"])
def test_what_was_harmed_is_mended(world, harm):
    """Missing images are put back, those that are ours and nobody shows are taken away, files of others stay."""
    world.add(illustrated(1, 1), illustrated(2, 2))
    world.add_images({url(1): images.png(), url(2): images.JPEG})
    world.build()
    before = world.documents()
    folder = world.out / "images"
    if harm == "gone":
        shutil.rmtree(folder)
    elif harm == "one gone":
        (folder / name(images.JPEG, "jpg")).unlink()
    else:
        (folder / f"{'0' * 64}.png").write_bytes(b"left by a build that was killed")
        (folder / "mine.txt").write_bytes(b"mine")
        before["images/mine.txt"] = b"mine"
    if harm == "index":
        world.index.unlink()
        (folder / name(images.png())).write_bytes(b"scribbled over")
    assert world.build().faults == []
    assert world.documents() == before
    assert world.build().written == []


def test_a_damaged_image(world):
    """Of a damaged image the original is shown, and a line says so, until it is restored."""
    world.add(illustrated(1, 1), illustrated(2, 2))
    world.add_images({url(1): images.png(), url(2): images.JPEG})
    path = next(
        path for path in (world.folder / "archive" / "images").rglob("*/*") if path.read_bytes() == images.png()
    )
    path.chmod(0o644)
    path.write_bytes(b"?" + images.png()[1:])
    for _ in range(2):
        (fault,) = world.build().faults
        assert "is damaged" in fault
        assert "https://img.example.org/1.jpg" in fault
        assert shown(world) == {name(images.JPEG, "jpg")}
    path.write_bytes(images.png())
    assert world.build().faults == []
    assert shown(world) == {name(images.JPEG, "jpg"), name(images.png())}


# Each step is a run, then a build: articles (new or edited) with images in them, or images for addresses.
pictures = st.lists(st.integers(0, 4), max_size=2)
tellings = st.dictionaries(st.integers(0, 7), pictures, max_size=3)
arrivals = st.dictionaries(st.integers(0, 4), st.integers(0, 2), min_size=1, max_size=2)
steps = st.lists(st.tuples(st.sampled_from(["articles", "images"]), tellings, arrivals), min_size=1, max_size=5)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, size=st.integers(1, 3))
def test_growing_or_at_once(tmp_path_factory, steps, size):
    """In whatever order articles and images come, and however often feeds are built, they end the same.

    Published are the images that documents show, no more and no less, and the index is that of the objects.
    """
    grown, once = (World(tmp_path_factory.mktemp("world"), size) for _ in range(2))
    for one in (grown, once):
        one.archived_images = True
        for number, (what, told, arrived) in enumerate(steps):
            if what == "articles":
                one.add(*(illustrated(n, *some, title=f"T{n} {number}") for n, some in told.items()))
            else:
                one.add_images({url(n): images.png(shade=shade) for n, shade in arrived.items()})
            if one is grown:
                one.build()
                assert published(one).keys() == shown(one)
    once.build()
    assert grown.documents() == once.documents()
    once.build(full=True)
    assert grown.documents() == once.documents()
    with Archive.open(grown.folder / "archive", grown.index) as archive:
        assert [str(checked) for checked in archive.verify() if checked.fault] == []
        archive.reindex()
    grown.build()
    assert grown.documents() == once.documents()
