"""What the pages find an entry by: words, and pairs of neighbours in scripts without spaces.

These terms stand in *cells*: words in some cut at the same places everywhere, pairs spread evenly over the others. An
entry has a line in each cell, with each of its terms once, as they come: words with a space behind each, or pairs.

A pair is one of UTF-16's units, which browsers see, too. Their low bytes, one XOR the other, name its cell; the high
byte of the first and both of the second are written there as four characters, in base64 with `_` for `/`.
"""

import re
from binascii import b2a_base64
from bisect import bisect_right
from functools import lru_cache

from feedarchiver.words import UNSPACED, folded

PREFIX = 3
"""No bound is longer: all words that begin with as many characters are in one cell."""
_MOST_TEXT = 50_000
# A cell begins with its bound. Measured over articles in Chinese and English, so that cells come out about as large as
# each other; guessed for other scripts. What compares by UTF-16, as browsers do, finds the same order.
BOUNDS = tuple(
    (  # noqa: SIM905 - one a line would fill pages
        "13 193 2 201 21 31 60 abo ad ak anc apr ass awo bef bie br c4 ceo cho com con coo cox d ded deu div du eli "
        "env exe fai fir fos fur gm gri har hes hot ima inc ing inv jap jun l lec lim loo man mbe mim moo nb noo oce "
        "one ori oxf pe pig pot pro pru ps qui ref reo ret rus scr seo sho slo spe ste suc tai ter thi ti too tri "
        "und up vie wan wei who wmd y α ο а в г д ж и к л м н о п р с т у х ч э א ל ا ب ت س ع ك م ن क न म"
    ).split()
)
"""Those of words, which have one cell more."""
PAIR_CELLS = 256
CELLS = len(BOUNDS) + 1 + PAIR_CELLS
_LONGEST_WORD = 32
_RUN = re.compile(f"[{UNSPACED}]+")
_WIDE = re.compile("[\U00010000-\U0010ffff]")
_WORD = re.compile(r"[^\W_]+")  # of what is left
# Where folding changes nothing but the case of Latin letters and separators: nearly all Chinese and English.
_PLAIN = re.compile(
    "[\0-\xa9\xb7\xbb\u2010-\u2029\u202f-\u205f\u2190-\u2426\u2500-\u2775\u2794-\u2b73\u3000-\u3029\u3041-\u3096\u30a0-\u30fe"
    "\u3400-\u9fff\uac00-\ud7a3\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]*+"
)
_ALONE = bytes(ord(chr(code).lower()) if chr(code).isalnum() else ord(" ") for code in range(128)) + b" " * 128


def found_by(text: str) -> list[str]:
    """Write what `text` is found by into the line of each cell. One unit of a script without spaces is not."""
    text = text[:_MOST_TEXT]
    is_plain = _PLAIN.fullmatch(text)
    if not is_plain:
        text = folded(text)
        is_plain = _PLAIN.fullmatch(text)
    runs = _RUN.findall(text)
    if is_plain:
        return _of_words(text.encode("ascii", "replace").translate(_ALONE).decode().split()) + _of_pairs(runs)
    if any(map(_WIDE.search, runs)):
        runs = list(map(_units, runs))
    return _of_words(_WORD.findall(_RUN.sub(" ", text))) + _of_pairs(runs)


def _of_words(words: list[str]) -> list[str]:
    if max(map(len, words), default=0) > _LONGEST_WORD:
        words = [word[:_LONGEST_WORD] for word in words]
    lines = [""] * (len(BOUNDS) + 1)
    for word in dict.fromkeys(words):
        lines[_cell(word[:PREFIX])] += word + " "
    return lines


@lru_cache(1 << 14)
def _cell(beginning: str) -> int:
    return bisect_right(BOUNDS, beginning)


def _of_pairs(runs: list[str]) -> list[str]:
    """Write pairs, all at once as far as that goes: there are thousands in an article."""
    first = "".join([run[:-1] for run in runs]).encode("utf-16-le", "surrogatepass")
    second = "".join([run[1:] for run in runs]).encode("utf-16-le", "surrogatepass")
    low = second[::2]
    cells = int.from_bytes(first[::2], "little") ^ int.from_bytes(low, "little")
    count = len(low)
    high = bytearray(3 * count)
    high[::3], high[1::3], high[2::3] = first[1::2], second[1::2], low
    written = b2a_base64(high, newline=False).replace(b"/", b"_")
    # The space keeps the end of one pair and the beginning of the next from being taken for a third.
    spaced = bytearray(b"     \n") * count
    for place in range(4):
        spaced[place::6] = written[place::4]
    lines = [""] * PAIR_CELLS
    for cell, pair in zip(cells.to_bytes(count, "little"), spaced.decode().split("\n"), strict=False):
        line = lines[cell]
        if pair not in line:
            lines[cell] = line + pair
    return "|".join(lines).replace(" ", "").split("|")


def _units(run: str) -> str:
    """Take the characters apart that UTF-16 writes in two units."""
    written = run.encode("utf-16-be")
    return "".join(map(chr, (int.from_bytes(written[at : at + 2], "big") for at in range(0, len(written), 2))))
