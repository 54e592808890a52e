"""What changed from one text to another."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.textdiff import Kind, Piece, diff, shortened

TEXTS = st.text(st.sampled_from("ab 。，中国人. \n"), max_size=60)
BRACKETS = {Kind.SAME: "{}", Kind.REMOVED: "[-{}-]", Kind.ADDED: "{{+{}+}}", Kind.LEFT_OUT: "<{}>"}


def written(pieces):
    return "".join(BRACKETS[piece.kind].format(piece.text) for piece in pieces)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", ""),
        ("same", "same", "same"),
        ("", "new", "{+new+}"),
        ("old", "", "[-old-]"),
        ("The old house stands.", "The new house stands.", "The [-old-]{+new+} house stands."),
        (
            "部长今天辞职。他没有说明原因。",
            "部长昨天辞职。他没有说明原因。",
            "部长[-今-]{+昨+}天辞职。他没有说明原因。",
        ),
        ("One. Three.", "One. Two is new. Three.", "One. {+Two is new. +}Three."),
        ("used iPhone手机 here", "used iPad手机 here", "used [-iPhone-]{+iPad+}手机 here"),
        ("red or green", "blue or black", "[-red or green-]{+blue or black+}"),
    ],
)
def test_words(old, new, expected):
    """Words change as a whole, characters of a script without spaces one by one, crumbs with what is round them."""
    assert written(diff(old, new)) == expected


@given(TEXTS, TEXTS)
def test_both_texts_are_in_it(old, new):
    """Same and removed pieces make the old text, same and added ones the new one; no two neighbours are of one kind."""
    pieces = diff(old, new)
    assert "".join(piece.text for piece in pieces if piece.kind is not Kind.ADDED) == old
    assert "".join(piece.text for piece in pieces if piece.kind is not Kind.REMOVED) == new
    assert all(piece.text for piece in pieces)
    assert all(one.kind is not other.kind for one, other in pairwise(pieces))


@given(TEXTS, TEXTS)
def test_shortening_keeps_every_change(old, new):
    """Shortening leaves out only what is the same: together with it, the pieces are what they were."""
    pieces = diff(old, new)
    short = shortened(pieces, 3)
    assert "".join(piece.text for piece in short) == "".join(piece.text for piece in pieces)
    changes = [piece for piece in pieces if piece.kind is not Kind.SAME]
    assert [piece for piece in short if piece.kind in (Kind.REMOVED, Kind.ADDED)] == changes


def test_shortening():
    """Far from every change, text is left out."""
    pieces = (Piece(Kind.SAME, "x" * 100), Piece(Kind.ADDED, "new"), Piece(Kind.SAME, "y" * 100))
    assert written(shortened(pieces, 4)) == f"<{'x' * 96}>xxxx{{+new+}}yyyy<{'y' * 96}>"


def test_shortening_cuts_no_words():
    """What is shown begins and ends with whole words, and with single characters where words have no spaces."""
    pieces = (
        Piece(Kind.SAME, "one twotwo three"),
        Piece(Kind.ADDED, "new"),
        Piece(Kind.SAME, "four five, sixsix seven"),
    )
    assert written(shortened(pieces, 7)) == "<one twotwo> three{+new+}four <five, sixsix seven>"
    pieces = (Piece(Kind.SAME, "中" * 30), Piece(Kind.ADDED, "新"), Piece(Kind.SAME, "国" * 30))
    assert written(shortened(pieces, 3)) == f"<{'中' * 27}>中中中{{+新+}}国国国<{'国' * 27}>"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a。b。" * 20_000, "b。a。" * 20_000),
        ("中" * 50_000, "中国" * 25_000),
        ("x " * 50_000, "y " * 49_999),
        ("." * 50_000, " ." * 20_000),
    ],
)
def test_work_is_bounded(old, new):
    """Long texts with little in common are compared all the same, if need be as replaced whole."""
    pieces = diff(old, new)
    assert "".join(piece.text for piece in pieces if piece.kind is not Kind.ADDED) == old
    assert "".join(piece.text for piece in pieces if piece.kind is not Kind.REMOVED) == new
