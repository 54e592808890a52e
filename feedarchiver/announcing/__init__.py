"""The corridor from the published folder into the world: whoever is to hear that something has been published.

    after.py   a command of the owner's, which may take the folder elsewhere
    hub.py     a WebSub hub, which tells the subscribers

Nothing is queued. What was announced is remembered, and what is to be announced follows from that and from what is
published now: so a crash at any moment costs at most that something is announced twice. Nothing here prints.
"""
