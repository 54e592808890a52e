"""What the pages find an entry by: words, and pairs of neighbours in scripts without spaces.

These terms stand in *cells*: first those of words, then those of pairs, both cut at the same places everywhere. An
entry has a line in each cell: words in order, or characters as they come, each with those that follow it somewhere.
"""

import re
from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import pairwise

from feedarchiver.words import UNSPACED, folded

PREFIX = 3
"""No bound is longer: all words that begin with as many characters are in one cell."""
_MOST_TEXT = 50_000
# A cell begins with its bound. Measured over articles in Chinese and English, so that cells come out about as large as
# each other; guessed for other scripts. What compares by UTF-16, as browsers do, finds the same order.
_WORD_BOUNDS = (  # noqa: SIM905 - one a line would fill pages
    "13 2 21 31 60 abo ak apr awo bie c4 cho con cox ded div eli exe fir fur gri hes ima inv jun lec loo mbe "
    "moo noo one oxf pig pro qui reo rus seo slo ste tai thi too und vie wei wmd α ο а в г д ж и к л м н о п "
    "р с т у х ч э א ל ا ب ت س ع ك م ن क न म"
).split()
_PAIR_BOUNDS = (
    "คตนปมรวสอเいかがしたてなにのはまらるアカストラン丁下与丑丧丰丼乌习予亏亥亿仑令仪众佈佘侃俣倚儘兩具减划制剎努千厥发叫各吏咎哭"
    "团圍圭圳堵夜天奴姐孩宛容寺少尴左帷并庫归徉徘怎惊愣戒户承持掩攻斋於旬昱昼显書月朋木权枝棱欣残汇泛淘潰焦牙珀產畏皆皇皈皓皮皱省矩科"
    "穴筑糠緣绝者耍脂臻菱衍裝覆訂誰讲诵贅跟辅进通遏邦鄉錫闯障革颂高나다라마보사아이자차하"
)
BOUNDS = (tuple(_WORD_BOUNDS), tuple(_PAIR_BOUNDS))
"""Those of words, those of pairs. Either have one cell more."""
CELLS = sum(map(len, BOUNDS)) + len(BOUNDS)
_LONGEST_WORD = 32
_RUN = re.compile(f"[{UNSPACED}]+")
_WORD = re.compile(r"[^\W_]+")  # of what is left
# Where folding changes nothing but the case of Latin letters and separators: nearly all Chinese and English.
_PLAIN = re.compile(
    "[\0-\xa9\xb7\xbb\u2010-\u2029\u202f-\u205f\u2190-\u2426\u2500-\u2775\u2794-\u2b73\u3000-\u3029\u3041-\u3096\u30a0-\u30fe"
    "\u3400-\u9fff\uac00-\ud7a3\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]*+"
)
_ALONE = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}


def found_by(text: str) -> list[str]:
    """Write what `text` is found by into the line of each cell. One character of a script without spaces is not."""
    text = text[:_MOST_TEXT]
    if not _PLAIN.fullmatch(text):
        text = folded(text)
    if _PLAIN.fullmatch(text):
        words = text.encode("ascii", "replace").decode().translate(_ALONE).split()
    else:
        words = _WORD.findall(_RUN.sub(" ", text))
    return [*_of_words({word[:_LONGEST_WORD] for word in set(words)}), *_of_pairs(_RUN.findall(text))]


def _of_words(words: set[str]) -> list[str]:
    ordered = sorted(words)
    ends = [bisect_left(ordered, bound) for bound in _WORD_BOUNDS]
    return [" ".join(ordered[start:end]) for start, end in pairwise((0, *ends, len(ordered)))]


def _of_pairs(runs: list[str]) -> list[str]:
    following: dict[str, str] = {}
    for run in runs:
        first = run[0]
        for second in run[1:]:
            known = following.setdefault(first, second)
            if second not in known:
                following[first] = known + second
            first = second
    cells: list[list[str]] = [[] for _ in range(len(_PAIR_BOUNDS) + 1)]
    for first, seconds in following.items():
        cells[_cell(first)].append(first + seconds)
    return list(map(" ".join, cells))


@lru_cache(1 << 14)
def _cell(first: str) -> int:
    return bisect_right(_PAIR_BOUNDS, first)
