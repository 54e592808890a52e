"""Old formats: git histories, kept feeds and Jekyll posts, imported by command."""

import os
import shutil
import subprocess

import pytest
from program import Program, seed_bytes

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path / "home")


def commit(repository, message, **files):
    """Write files, None for one that goes, and commit them."""
    for name, data in files.items():
        path = repository / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink() if data is None else path.write_bytes(data)
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    environment = os.environ | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for words in (["add", "-A"], [*author, "commit", "-q", "-m", message]):
        subprocess.run(["git", *words], cwd=repository, env=environment, check=True, timeout=60)


@needs_git
def test_overwritten_articles_reappear(program, tmp_path):
    """Of a file that a script overwrote with another article, both come back; of an edited one, both versions."""
    repository = tmp_path / "old"
    repository.mkdir()
    subprocess.run(["git", "init", "-q", repository], check=True, timeout=60)
    commit(
        repository,
        "1",
        a=seed_bytes("First", "https://example.org/1"),
        rfi__b=seed_bytes("Kept", "https://example.org/2"),
    )
    commit(repository, "2", a=seed_bytes("Second", "https://example.org/3"))
    commit(repository, "3", rfi__b=seed_bytes("Kept, edited", "https://example.org/2"))
    commit(repository, "4", rfi__b=None)
    ran = program("import", "--git", repository)
    assert ran == (0, "4 articles, 3 new, 1 new version\n", "")
    assert program("build").status == 0
    found = program("search", "Kept OR First", "--json").out + program("search", "Second", "--json").out
    assert "Kept, edited" in program("show", "https://example.org/2").out, "the later commit is shown"
    for title in ("First", "Second"):
        assert program("show", title).status == 0, found
    assert "2 versions" in program("log", "https://example.org/2").out
    assert program("import", "--git", repository).out == "4 articles, 0 new\n"


@needs_git
def test_undated_versions_of_a_history(program, tmp_path):
    """Of undated versions the one of the later commit is shown."""
    repository = tmp_path / "old"
    repository.mkdir()
    subprocess.run(["git", "init", "-q", repository], check=True, timeout=60)
    for number in range(5):
        commit(repository, str(number), a=seed_bytes(f"Title {number}", stamp="NaN"))
    assert program("import", "--git", repository).out == "5 articles, 1 new, 4 new versions\n"
    assert "Title 4" in program("show", "https://example.org/1").out
    assert program("verify").status == 0
    assert program("reindex").status == 0
    assert "Title 4" in program("show", "https://example.org/1").out


def test_not_a_repository(program, tmp_path):
    """A folder that is no repository is refused with its name."""
    ran = program("import", "--git", tmp_path)
    assert ran.status == 2
    assert str(tmp_path) in ran.err


FEEDS = {
    "rss.xml": b"""<?xml version="1.0"?><rss version="2.0"><channel><title>t</title><link>https://example.org/</link>
<description>d</description><item><title>From RSS</title><link>https://example.org/r</link><guid>g1</guid>
<pubDate>Sat, 04 Nov 2023 22:45:01 GMT</pubDate>
<description>&lt;p&gt;Text&lt;/p&gt;</description></item></channel></rss>""",
    "atom.xml": b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>x</id>
<updated>2023-11-04T22:45:01Z</updated><entry><title>From Atom</title><id>tag:1</id><link href="https://example.org/a"/>
<published>2023-11-04T22:45:01Z</published><updated>2023-11-04T22:45:01Z</updated>
<content type="html">&lt;p&gt;Text&lt;/p&gt;</content></entry></feed>""",
    "feed.json": b"""{"version":"https://jsonfeed.org/version/1.1","title":"t","items":[{"id":"https://example.org/j",
"url":"https://example.org/j","title":"From JSON","content_html":"<p>Text</p>",
"date_published":"2023-11-04T22:45:01Z"}]}""",
}


@pytest.mark.parametrize("name", FEEDS)
def test_kept_feeds(program, name):
    """A feed document that somebody kept is read like a seed, whatever its format."""
    (program.seeds / name).write_bytes(FEEDS[name])
    ran = program("run")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("1 article, 1 new; ")
    atom = (program.feeds / "all" / "atom.xml").read_text("utf-8")
    assert "<title>From " in atom
    assert "<published>2023-11-04T22:45:01Z</published>" in atom
    assert program("verify").status == 0


def test_what_is_no_feed_is_refused(program):
    """Markup that is neither a seed nor a feed is refused with a reason."""
    (program.seeds / "page.html").write_bytes(b"<html><body>hello</body></html>")
    ran = program("run")
    assert ran.status == 3
    assert ran.err.startswith("refused seeds/page.html: neither a seed nor a feed: ")


def test_jekyll(program):
    """A post with front matter is an article with its date, author and categories."""
    post = b"---\ndate: 2023-11-04 22:45:01 +0000\nauthor: Ann\ntags: [a, b]\n---\n" + seed_bytes(stamp="NaN")
    (program.seeds / "2023-11-04-post.md").write_bytes(post)
    assert program("run").status == 0
    atom = (program.feeds / "all" / "atom.xml").read_text("utf-8")
    assert "<published>2023-11-04T22:45:01Z</published>" in atom
    assert "<name>Ann</name>" in atom
    assert '<category term="a"' in atom
