"""An archive with many objects, of which some are damaged, missing or odd."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedarchiver.archive import objects
from feedarchiver.archive.folderbucket import FolderBucket
from feedarchiver.model import Article, Capture

START = datetime(2024, 1, 1, tzinfo=UTC)


def fill(root, count=600):
    """Store them in a folder."""
    bucket = FolderBucket(root)
    names = [stored(bucket, number) for number in range(count)]
    odd = b'{"version":1,"authors":3}'
    bucket.put("articles", objects.object_id(odd), odd)
    bucket.flush()
    for number, change in ((10, Path.unlink), (220, scribble), (430, scribble)):
        for place, kind in enumerate(("articles", "raw", "captures")):
            change(Path(bucket.path(kind, names[number + place][place])))
    (root / "captures" / "notes.txt").write_text("mine")


def stored(bucket, number):
    """Store a capture of one of some articles, which change, and what it is about. Returns the names."""
    article = Article(
        title=f"Title {number}",
        link=None if number % 5 == 0 else f"https://example.org/{number % 400}",
        guid=None if number % 3 and number % 5 else f"g{number % 300}",
        published=None if number % 7 == 0 else START - timedelta(hours=number),
    )
    data = objects.encode_article(article)
    raw = b"%d" % (number // 2)
    capture = Capture(
        article=objects.object_id(data),
        raw=objects.object_id(raw),
        source="st"[number % 2],
        url=None,
        captured=START + timedelta(days=number // 100),
        fingerprint=f"1:{number}",
    )
    said = objects.encode_capture(capture)
    for kind, one in (("articles", data), ("raw", raw), ("captures", said)):
        bucket.put(kind, objects.object_id(one), one)
    return capture.article, capture.raw, objects.object_id(said)


def scribble(path):
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-2] + b"??")
