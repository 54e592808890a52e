"""Asking the web: politely, safely, and with the truth about what came of it.

exchange.py     the values: Request, Answer, Failure
addresses.py    which IP addresses may be connected to
allowed.py      which of them a source may connect to all the same
wire.py         sockets: names resolved and judged as they are dialled; every read counted
adapter.py      requests, on those sockets
bodies.py       what comes, decoded within limits, whole or not at all
headers.py      header fields, sent and received
robots.py       robots.txt
client.py       one request, hop by hop
together.py     many at once, one at a time for each host
politeness.py   what to do after an answer: when to ask again

What is remembered from run to run are plain values of the caller's: politeness.Standing for each address,
politeness.Host for each host, robots.RobotsFile for each origin.
"""
