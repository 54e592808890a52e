"""The daemon and sources on the web: asked by themselves, beside everything else."""

import time

import images
import pytest
from living import living, within
from news import Newsroom, Story, source, stories
from web import Web, answer, silence


@pytest.fixture
def web():
    with Web(address="0.0.0.0") as web:
        yield web


@pytest.fixture
def room(tmp_path, web):
    return Newsroom(tmp_path / "home", web)


def configured(room, more):
    config = room.folder / "config.toml"
    config.write_text(config.read_text() + more)


def test_what_a_source_says(room):
    """What a source on the web says is in the feeds within seconds, asked for once."""
    room.says(*stories(1, 2))
    with living(room, "daemon", "--port", "0") as daemon:
        daemon.serving()
        within(10, lambda: b"Story 2" in daemon.get("/news/rss.xml").body)
        assert daemon.end() == 0
    assert room.web.paths().count("/feed.xml") == 1
    assert room("verify").status == 0


def test_a_source_that_hangs(room, web):
    """A source that never answers delays no seed, nor the end."""
    room.says(*stories(1))
    web.pages["/hangs.xml"] = silence
    configured(room, source("hangs", web.url("/hangs.xml", "127.0.0.2")))
    configured(room, '[[source]]\nid = "seeds"\nkind = "seeds"\nfolder = "seeds/"\n')
    with living(room, "daemon", "--port", "0") as daemon:
        daemon.serving()
        within(10, lambda: "/hangs.xml" in web.paths())
        room.write("a.txt", link="https://example.org/a-seed")
        within(10, lambda: b"a-seed" in daemon.get("/all/rss.xml").body)
        began = time.monotonic()
        assert daemon.end() == 0
        assert time.monotonic() - began < 5
    assert room("verify").status == 0


def test_pictures(room, web):
    """The pictures of what a source says are fetched behind it, and what they are is in the feeds within seconds."""
    web.pages["/1.png"] = answer(200, images.png(30, 20))
    configured(room, 'images = "lead"\n')
    room.says(Story(1, text=f'<p>Seen.</p><img src="{web.url("/1.png", "127.0.0.1")}">'))
    with living(room, "daemon", "--port", "0") as daemon:
        daemon.serving()
        within(15, lambda: b'width="30" height="20"' in daemon.get("/news/rss.xml").body)
        assert daemon.end() == 0
    assert web.paths().count("/1.png") == 1
