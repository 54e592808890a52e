"""An archive of articles that forgets nothing, republished as feeds that any reader can subscribe to."""

__version__ = "0.1.0"

CLEANER_VERSION = 1
"""Counts changes of what `markup` takes for noise or for the lead image. It marks fingerprints and kept documents."""

RENDERER_VERSION = 3
"""Counts changes of how `publish` writes an entry or a document."""

SEARCH_VERSION = 3
"""Counts changes of the files that the pages are searched with; `search.js` names the one that it reads, too."""
