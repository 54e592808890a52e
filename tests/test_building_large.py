"""Documents far larger than what a build may hold in memory."""

import json
import os
import subprocess
import sys

from program import CONFIG, MEASURE, PROJECT, Program

from feedarchiver.building.pile import Pile
from feedarchiver.publish.parts import Stretch

ARTICLES, LINES, MEGABYTES = 24, 90, 100
LINE = "climate change " * 500


def test_memory_does_not_grow_with_a_document(tmp_path):
    """A build writes documents of 16 MB, first and once more with a new entry, in no more memory than small ones."""
    program = Program(tmp_path / "home", CONFIG + "[publish]\npages = false\n")
    for number in range(ARTICLES):
        body = f"<p>{number} {LINE}</p>\n" * LINES
        program.write(f"{number}.txt", link=f"https://example.org/{number}", stamp=1600000000000 + number, body=body)
    assert program("import").status == 0
    built(program)
    path = program.feeds / "all" / "feed.json"
    assert path.stat().st_size > 10_000_000
    items = json.loads(path.read_bytes())["items"]
    assert [item["id"] for item in items] == [f"https://example.org/{number}" for number in range(ARTICLES)][::-1]
    for number, item in enumerate(reversed(items)):
        assert item["content_html"].count(f"<p>{number} climate") == LINES
    program.write("new.txt", link="https://example.org/new", stamp=1700000000000)
    assert program("import").status == 0
    built(program)
    assert json.loads(path.read_bytes())["items"][1:] == items
    before = program.documents()
    built(program, "--full")
    assert program.documents() == before


def built(program, *options):
    """Build, in little memory."""
    measured = subprocess.run(
        [sys.executable, "-I", "-c", MEASURE, sys.executable, "-m", "feedarchiver", "build", *options],
        cwd=program.folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        check=True,
        timeout=60,
    )
    status, _, megabytes = map(float, measured.stdout.split())
    assert status == 0
    assert megabytes < MEGABYTES


def test_a_pile(tmp_path):
    """Pieces come out as they went in: from memory, from the file, and where there can be no file."""
    pieces = [bytes([number]) * 3_000_000 for number in range(10)]
    (tmp_path / "file").touch()
    with Pile(str(tmp_path / "tmp")) as pile, Pile(str(tmp_path / "file")) as other:
        kept = [pile.put(piece) for piece in pieces]
        assert [isinstance(part, Stretch) for part in kept] == [False] * 5 + [True] * 5
        assert [*map(bytes, kept)] == pieces
        assert [other.put(piece) for piece in pieces] == pieces
