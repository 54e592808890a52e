"""Markup: an article's body cleaned, its text, its lead image; titles and summaries as plain text.

depth.py     bounds nesting before any parser sees it
survey.py    what there is, in one walk over the tree
noise.py     share bars, invitations, adverts
pictures.py  real addresses of pictures, the lead image
safe.py      the allow-list, which decides last
text.py      text of markup, titles, summaries, XML's characters
body.py      all of them in order: one parse
"""

from feedarchiver import CLEANER_VERSION
from feedarchiver.markup.body import PLAYER_SIGN, Body, parse
from feedarchiver.markup.text import plain, summary, xml_text

__all__ = ["CLEANER_VERSION", "PLAYER_SIGN", "Body", "parse", "plain", "summary", "xml_text"]
