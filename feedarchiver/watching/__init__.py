"""Watching: how the archive, its sources and its disk are, and what of that a person should hear.

    secrets.py    what may be told of addresses
    rhythm.py     when a source is silent longer than usual for it
    sources.py    how a source is, and why
    room.py       what is left of the disk
    verified.py   what the last verification found
    incidents.py  what is wrong and what is so no more, told once: the entries of a feed of health
    overview.py   all of it, for `status`, the status page and the metrics

What the archive tells is derived from its index, what is remembered of sources from its notes; nothing is kept twice.
"""
