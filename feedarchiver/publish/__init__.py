"""Entries -> documents: RSS and Atom.

build.py        the way through: entries -> pieces -> documents
plan.py         a feed's head: names, addresses, the last change
rendered.py     an entry as every format shows it
rss.py atom.py  the formats
pieces.py       what they share: feedgen, and documents put together from pieces
feedgen_ext.py  what feedgen lacks or gets wrong
folder.py       the published folder
parts.py        what its files are put together from
"""
