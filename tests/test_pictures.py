"""The pictures of articles from outside: fetched once, told truly, never forgotten, and never at anybody's cost."""

import random
import re
from datetime import UTC, datetime, timedelta

import images
import pytest
from crash import KILL, Copy, index_differs, leftovers, needs_strace, sample, strike, trace
from news import ANYWHERE, Newsroom, Story, rss, source
from program import CONFIG, SOAK, Program
from test_startup import HEAVY, loaded
from web import LOOPBACK, Web, answer, bomb, endless, head, late, pieces, redirect

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.objects import decode_image_capture
from feedarchiver.updating.pictures import Fetched, Fetching, fetch
from feedarchiver.updating.wanting import Illustrated

ARCHIVED = '[publish]\nimages = "archived"\n'


@pytest.fixture
def web():
    """Serve on every address of loopback: each is a host of its own."""
    with Web(address="0.0.0.0") as web:
        yield web


def illustrated(number, *urls):
    """Write a story with pictures."""
    shown = "".join(f'<img src="{url}">' for url in urls)
    return Story(number, text=f"<p>What happened, part {number}.</p>{shown}", link=f"http://news.example/{number}#top")


def newsroom(tmp_path, web, which="all", more=""):
    return Newsroom(tmp_path / "home", web, f'images = "{which}"\n{more}', private=ANYWHERE)


def place(web, number, path, page=None):
    """Put a picture on a host of its own."""
    if page is not None:
        web.pages[path] = page
    return web.url(path, f"127.0.1.{number}")


def copies(program):
    """Tell of which addresses there are copies."""
    paths = (program.archive / "image-captures").rglob("*/*")
    return {decode_image_capture(path.read_bytes()).url for path in paths}


def pictures_asked(web):
    return sorted(path for path in web.paths() if path not in ("/feed.xml", "/robots.txt"))


def test_fetched_once_and_told_truly(tmp_path, web):
    """A picture is fetched with its article's site as Referer, feeds tell what it is, and nobody asks for it again."""
    room = newsroom(tmp_path, web, more=ARCHIVED)
    data = images.png(300, 200)
    one = place(web, 1, "/1.jpg", answer(200, data, content_type="text/html"))
    two = place(web, 2, "/2.gif", answer(200, images.gif()))
    room.says(illustrated(1, one, two))
    assert room("update").out == "1 source asked, 1 article, 1 new; 2 pictures fetched\n"
    asked = next(asked for asked in web.asked if asked.path == "/1.jpg")
    assert asked.header["referer"] == "http://news.example/"  # and no more of it: links may hold keys
    assert copies(room) == {one, two}
    room("build")
    feed = room.documents()["news/rss.xml"].decode()
    assert re.search(rf'<enclosure url="[^"]*/images/[0-9a-f]+\.png" length="{len(data)}" type="image/png"/>', feed)
    assert re.search(r'<media:content [^>]*type="image/png"[^>]* width="300" height="200"/>', feed)
    web.asked.clear()
    assert room("update").out == "no source is due\n"
    room("update", "news")
    room.says(illustrated(1, one, two), illustrated(2, one))
    room("update", "news")
    assert pictures_asked(web) == []
    assert room("verify").status == 0


def test_which(tmp_path, web):
    """Without `images` none is fetched, with "lead" the one for the article; "all" fetches the rest later."""
    room = Newsroom(tmp_path / "home", web, private=ANYWHERE)
    urls = [place(web, number, f"/{number}.png", answer(200, images.png(shade=number))) for number in (1, 2, 3)]
    room.says(illustrated(1, *urls))
    room("update")
    assert copies(room) == set()
    config = room.folder / "config.toml"
    plain = config.read_text()
    for which, wanted in (("lead", urls[:1]), ("all", urls)):
        config.write_text(f'{plain}images = "{which}"\n')
        room("update")
        assert copies(room) == set(wanted)
    assert pictures_asked(web) == ["/1.png", "/2.png", "/3.png"]


def test_hostile_pictures(tmp_path, web):
    """What is no picture, or none that may be kept, costs a line for each kind of trouble, and the rest is stored."""
    room = newsroom(tmp_path, web)
    zipped = bomb("gzip", 30_000_000)
    pages = {
        "/good.png": answer(200, images.png()),
        "/svg.png": answer(
            200, b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", content_type="image/png"
        ),
        "/cut.png": answer(200, images.png()[:-9]),
        "/wide.gif": answer(200, b"GIF89a\xff\xff\xff\xff" + images.gif()[10:]),
        "/short.png": head(content_length=10_000, connection="close") + images.png(),
        "/bomb.png": head(content_encoding="gzip", content_length=len(zipped)) + zipped,
        "/endless.png": endless(head(connection="close"), images.png() * 1000),
        "/inside.png": redirect("http://169.254.169.254/latest/meta-data/"),
    }
    room.says(illustrated(1, *(place(web, number, *page) for number, page in enumerate(pages.items()))))
    ran = room("update")
    assert (ran.status, ran.out) == (0, "1 source asked, 1 article, 1 new; 1 picture fetched, 7 not to be had\n")
    assert len(ran.err.splitlines()) == 4
    for trouble in ("(2 more likewise)", "above 20,000,000 bytes", "ended before the body", "metadata address"):
        assert trouble in ran.err
    assert len(copies(room)) == 1
    assert "7 pictures not to be had so far" in room("sources").out
    assert room("update").err == ""


def test_seeds(tmp_path, web):
    """Pictures of seeds are fetched too, those of subfolders as well, and from private addresses only when allowed."""
    program = Program(tmp_path / "home", f'{CONFIG}images = "lead"\n')
    urls = [place(web, number, f"/{number}.png", answer(200, images.png())) for number in (1, 2)]
    for url, name in zip(urls, ("a.txt", "rfi/b.txt"), strict=True):
        program.write(name, link=f"https://example.org/{name}", body=f'<img src="{url}"><p>Text.</p>')
    ran = program("run")
    assert ran.out.endswith("; 0 pictures fetched, 2 not to be had\n")
    said = r"(127\.0\.1\.[12]) is a loopback address, not a public one; allow it with allow_private = "
    assert re.search(rf'{said}\["\1:{web.port}"\] \(1 more likewise\)', ran.err)
    assert web.asked == []
    config = program.folder / "config.toml"
    config.write_text(config.read_text() + 'allow_private = ["127.0.1.0/24"]\n')
    assert program("update", "seeds").out == "no source is due; 2 pictures fetched\n"
    assert copies(program) == set(urls)
    assert "referer" not in web.asked[-1].header  # the article came securely, the picture does not
    program("run")
    assert not loaded(program.folder, "run") & HEAVY


def test_articles_wait_for_no_picture(tmp_path, web):
    """`run` publishes articles before it asks for a picture, and then once more with what came."""
    room = newsroom(tmp_path, web)
    seen = []

    def page(_):
        seen.append((room.feeds / "news" / "rss.xml").exists())
        return answer(200, images.png())

    room.says(illustrated(1, place(web, 1, "/1.png", page)))
    told = room.told("run")
    assert seen == [True]
    assert told["pictures"] == {"fetched": 1, "failed": 0, "left": 0}
    assert "news/rss.xml" in told["built"]["written"]
    assert "news/rss.xml" in told["built_again"]["written"]


def test_robots(tmp_path, web):
    """A picture that robots.txt keeps crawlers from is not asked for; the file itself is asked for once a day."""
    room = newsroom(tmp_path, web)
    web.pages["/robots.txt"] = answer(200, b"User-agent: *\nDisallow: /private/\n")
    urls = [place(web, 1, path, answer(200, images.png())) for path in ("/private/1.png", "/2.png", "/3.png")]
    room.says(illustrated(1, *urls[:2]))
    assert "its robots.txt asks crawlers not to fetch it" in room("update").err
    room.says(illustrated(2, urls[2]))
    room("update", "news")
    assert pictures_asked(web) == ["/2.png", "/3.png"]
    assert web.paths().count("/robots.txt") == 1


def test_a_lost_index(tmp_path, web):
    """Which pictures are there and which are not is known without the index."""
    room = newsroom(tmp_path, web)
    urls = [place(web, 1, "/1.png", answer(200, images.png())), place(web, 2, "/2.png")]
    room.says(illustrated(1, *urls))
    room("update")
    (room.archive / "index.db").unlink()
    web.pages["/2.png"] = answer(200, images.png(shade=9))
    room("update")
    assert copies(room) == set(urls)
    assert pictures_asked(web) == ["/1.png", "/2.png", "/2.png"]


def test_imported_meanwhile(tmp_path, web):
    """A picture that somebody imports is not asked for any more."""
    room = newsroom(tmp_path, web)
    room.says(illustrated(1, place(web, 1, "/1.png")))
    room("update")
    saved = room.folder / "saved" / f"127.0.1.1:{web.port}" / "1.png"
    saved.parent.mkdir(parents=True)
    saved.write_bytes(images.png())
    assert room("import-images", "saved").out == "1 image, 1 new\n"
    web.asked.clear()
    assert "not to be had" not in room("sources").out
    room("update", "news")
    assert pictures_asked(web) == []


class Clock:
    """An archive whose pictures are fetched at any time one likes."""

    def __init__(self, program):
        self.now, self.program = datetime.now(UTC), program
        self.requests = 1_000

    def __call__(self, *sources, most_bytes=1_000_000_000, **after):
        self.now += timedelta(**after)
        left = [self.requests]

        def advance(_):
            left[0] -= 1

        manner = Fetching(self.now, None, lambda: 0.0, lambda: left[0] <= 0, advance, lambda: None, gap_s=0)
        wanting = [Illustrated(name, (name,), "all", allow_private=LOOPBACK) for name in sources or ("news",)]
        with Archive.open(self.program.archive, self.program.archive / "index.db") as archive:
            return fetch(archive, wanting, manner._replace(most_bytes=most_bytes))


def test_never_given_up(tmp_path, web):
    """What fails is asked for again, ever more rarely, for years; what is gone is not; a wrong clock ends nothing."""
    room = Newsroom(tmp_path / "home", web)
    gone = place(web, 2, "/gone.png", answer(410))
    room.says(illustrated(1, place(web, 1, "/1.png"), gone))
    room("update")
    at = Clock(room)
    asked = {"/1.png": [], "/gone.png": []}
    for day in range(130):
        at(days=1)
        for path in pictures_asked(web):
            asked[path].append(day)
        web.asked.clear()
    assert asked == {"/1.png": [0, 1, 3, 7, 15, 31, 61, 91, 121], "/gone.png": [0]}
    at(days=3650)
    web.pages["/1.png"] = answer(200, images.png())
    assert at(days=-3700).stored == 1
    assert at(days=100) == Fetched()


def test_a_backlog(tmp_path, web):
    """When the time is over the rest is left and said, and one request at a time goes to a host."""
    room = Newsroom(tmp_path / "home", web)
    urls = [place(web, 1, f"/{n}.png", late(answer(200, images.png(shade=n)), after_s=0)) for n in range(30)]
    room.says(illustrated(1, *urls))
    room("update")
    at = Clock(room)
    at.requests = 7
    done = at()
    assert (done.stored, done.failed, done.left) == (7, 0, 23)
    at.requests = 1_000
    assert at(minutes=1).stored == 23
    assert web.most_at_once == 1
    assert len(copies(room)) == 30


def test_an_article_of_pictures(tmp_path, web):
    """Of an article that names hundreds of pictures the first ones are fetched, and that is said."""
    room = Newsroom(tmp_path / "home", web)
    room.says(illustrated(1, web.url("/" + "x" * 9_000), *(place(web, 1, f"/{n}.png") for n in range(250))))
    room("update")
    at = Clock(room)
    at.requests = 1
    done = at()
    assert done.left == 199
    assert "http://news.example/1#top names 250 pictures, of which the first 200 are fetched" in str(done.notices)


def test_rations(tmp_path, web):
    """What the pictures of a source come to within a day is bounded, and said once; the others come on another day."""
    room = Newsroom(tmp_path / "home", web)
    many = [place(web, 1, f"/{n}.png", answer(200, images.png(shade=n))) for n in range(6)]
    room.says(illustrated(1, *many, place(web, 1, "/large.png", endless(head(200), bytes(1_000_000)))))
    room("update")
    at = Clock(room)
    done = at(most_bytes=1)  # the one that is too large counts, too
    assert (done.stored, done.failed, done.left) == (0, 1, 6)
    assert "within a day, which is the most; others are left until" in str(done.notices)
    web.asked.clear()
    assert at(most_bytes=1, hours=23) == Fetched(left=done.left)
    assert web.paths() == []
    web.pages["/large.png"] = answer(410)
    assert at(most_bytes=1, days=1).stored == 0
    assert [at(most_bytes=1, days=1).stored for _ in many] == [1] * len(many)
    assert copies(room) == set(many)


@pytest.mark.parametrize("end", ["cut", "no picture", "too large", "robots.txt"])
def test_rations_count_what_came(tmp_path, web, end):
    """What came over the wire counts, also of a transfer that was cut, of what is no picture, and of robots.txt."""
    room = Newsroom(tmp_path / "home", web)
    large = images.png() + bytes(1_000_000)
    pages = {
        "cut": pieces(head(200, content_length=2_000_000), large),
        "no picture": answer(200, bytes(1_000_000)),
        "too large": endless(head(200), large),
        "robots.txt": answer(200, images.png()),
    }
    if end == "robots.txt":
        web.pages["/robots.txt"] = answer(200, b"# nothing\n" * 40_000)
    urls = [place(web, number, f"/{number}.png", pages[end]) for number in range(1, 7)]
    room.says(illustrated(1, *urls))
    room("update")
    at = Clock(room)
    done = at(most_bytes=300_000)
    assert 0 < done.left < 6
    web.asked.clear()
    assert at(most_bytes=300_000, hours=23).left >= done.left
    assert web.asked == []


def test_in_turns(tmp_path, web):
    """A source that names very many pictures, on many hosts, leaves the others their turn."""
    room = Newsroom(tmp_path / "home", web)
    config = room.folder / "config.toml"
    config.write_text(f"{config.read_text()}\n{source('other', place(web, 9, '/other.xml'))}")
    room.says(
        *(illustrated(n, *(place(web, n + 2, f"/{n}-{m}.png", answer(404)) for m in range(190))) for n in range(6))
    )
    own = [place(web, 1, f"/a{n}.png", answer(200, images.png(shade=n))) for n in range(5)]
    web.pages["/other.xml"] = answer(200, rss([illustrated(99, *own)]), content_type="application/rss+xml")
    room("update")
    at = Clock(room)
    at.requests = 20
    assert at("news", "other").stored == len(own)
    assert copies(room) == set(own)
    at.requests = 2_000
    assert at("news", "other").left == 0


def test_a_busy_host(tmp_path, web):
    """A host that asks to wait is asked for nothing until then."""
    room = Newsroom(tmp_path / "home", web)
    urls = [place(web, 1, f"/{number}.png", answer(429, retry_after=3600)) for number in range(3)]
    room.says(illustrated(1, *urls))
    room("update")
    at = Clock(room)
    at()
    at(minutes=20)
    assert len(pictures_asked(web)) == 1
    for path in pictures_asked(web):
        web.pages[path] = answer(200, images.png())
    at(hours=1)
    assert len(pictures_asked(web)) >= 2


@needs_strace
def test_killed(tmp_path, web):
    """Killed at any change of a file, the next update fetches what is missing, and nothing is doubled."""
    urls = [place(web, number, f"/{number}.png", answer(200, images.png(shade=number))) for number in range(4)]
    room = newsroom(tmp_path, web)
    room.says(illustrated(1, *urls))
    room("update")
    config = room.folder / "config.toml"
    config.write_text(config.read_text().replace('"lead"', '"all"'))
    (room.archive / "index.db").unlink()
    for path in [*(room.archive / "image-captures").rglob("*/*"), *(room.archive / "images").rglob("*/*")]:
        path.unlink()
    _, calls = trace(Copy(room, tmp_path / "traced"), "update")
    told = [call for call in sample(calls) if "/image" in str(call.paths) or "pending" in str(call.paths)]
    found = []
    for number, call in enumerate(told if SOAK else random.Random(3).sample(told, 2)):
        copy = Copy(room, tmp_path / str(number))
        ran, _ = strike(copy, call, KILL, "update")
        assert ran.status == -9, f"{call} was not met"
        for again in (["update"], ["verify"]):
            ran = copy(*again)
            found += [] if ran.status == 0 else [f"{again}: {ran}"]
        found += [] if copies(copy) == set(urls) else [f"{call}: only {copies(copy)}"]
        captures = [path for path in (copy.archive / "image-captures").rglob("*/*") if path.is_file()]
        found += [] if len(captures) == len(urls) else [f"{call}: {len(captures)} captures"]
        found += [differs] if (differs := index_differs(copy)) else []
        found += leftovers(copy)
    assert found == []
