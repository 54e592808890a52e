"""One build: feeds whose documents do not stand as they should are put together, written, noted.

Documents are written in an order that keeps every chain whole at every moment: sealed pages, the oldest first, then the
subscription document that points to them, then what is about all feeds; only then is removed what no longer belongs.
What has been written is noted in the index as it goes, so that a build that was cut short is taken up where it was.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from feedarchiver.archive.archive import Archive
from feedarchiver.archive.feedlog import State
from feedarchiver.archive.history import moment
from feedarchiver.archive.news import News
from feedarchiver.building import forgotten
from feedarchiver.building.kept import Kept
from feedarchiver.building.keys import (
    ARTICLES,
    IMAGES,
    SEARCHED,
    SITE,
    feed_key,
    selection_of_all,
    site_key,
)
from feedarchiver.building.output import Output
from feedarchiver.building.paging import Paging
from feedarchiver.building.reading import Reading
from feedarchiver.building.rendering import Rendering
from feedarchiver.building.target import Advance, Built, Target
from feedarchiver.errors import ArchiveError
from feedarchiver.model import Feed
from feedarchiver.publish import pages
from feedarchiver.publish.build import FORMATS, site_documents
from feedarchiver.publish.plan import Published, Site

if TYPE_CHECKING:
    from feedarchiver.archive.index import Index
    from feedarchiver.publish.site_search import Write


class Builder:
    """One build, within the archive's lock."""

    def __init__(  # noqa: PLR0913, PLR0917 - what `build` was given
        self,
        archive: Archive,
        index: "Index",
        target: Target,
        done: Built,
        advance: Advance,
        write: "Write | None" = None,
    ) -> None:
        """Begin. `write`: as for `site_search.searchable`."""
        self._write = write
        self._archive, self._index, self._log = archive, index, index.feeds
        self._target, self._done = target, done
        self._out = Output(index, target, done, advance)
        sizes = (target.size, *(state.size for state in self._log.states().values()))
        self._kept = Kept(self._log, target.folder, self._out.made, 2 * max(sizes))
        self._undecided: dict[str, int] = {}

    def build(self, feeds: tuple[Feed, ...], *, full: bool) -> None:
        """Publish all feeds, then what is about all of them; take away what no longer belongs."""
        self._index.begin()
        with self._kept:
            before = self._log.states()
            known: set[str] = set()
            if full:
                for name in before:
                    known |= self._log.documents(name).keys()
                    self._log.forget(name)
            strange = full or not before
            until = self._index.last_captured() or 0
            states = {feed.id: self._log.extend(feed, self._takes(feed), until) for feed in feeds}
            # Only pages for people show what all feeds have, and those are about articles.
            together = tuple(feed for feed in feeds if feed.kind != "health") if self._target.pages else ()
            whole = self._log.unite(SITE, {feed.id for feed in together}, selection_of_all(together), until)
            remade = SITE not in before or before[SITE].selection != whole.selection
            self._rendering = Rendering(self._archive, self._index, self._target, self._out, strange=strange)
            tmp = self._archive.bucket.tmp
            self._pages = Paging(self._log, self._target, self._out, self._done, self._kept, self._rendering, tmp)
            reading = Reading(self._archive, self._rendering, self._index, self._target, self._out)
            reading.write(whole, remade=strange or remade)
            for feed in feeds:
                states[feed.id] = self._publish(feed, states[feed.id], strange=strange)
            gone = before.keys() - states.keys() - {SITE}
            if strange:
                gone |= forgotten.feeds(self._out.folder) - states.keys()
            # Asked of the list of feeds as the last build wrote it.
            left = forgotten.pages(self._out.folder, {*states, *gone}) if strange and not self._target.pages else ()
            self._out.remove(sorted(left))
            self._publish_search(whole)
            self._publish_site(feeds, states, whole)
            for name in sorted(gone):
                self._remove_feed(name)
            standing = {path for name in (SITE, *states) for path in self._log.documents(name)} if known else set()
            self._out.remove(sorted(known - standing - {ARTICLES, IMAGES}))
            self._out.settle()
            self._rendering.finish()
            for name, since in self._undecided.items():
                self._log.forget(name, since)
            if self._undecided:
                self._log.set_state(SITE, self._log.states()[SITE]._replace(selection="", key=""))
        self._out.settle()
        self._index.commit()

    def _takes(self, feed: Feed) -> Callable[[News], bool] | None:
        """Return what decides which events a feed takes. One whose article is damaged is decided in the next build.

        A change is taken for what it changed, too: that an article no longer says a word is told who looks for it.
        """
        if feed.filter is None:
            return None
        from feedarchiver.archive.selection import takes  # most feeds take everything

        wanted = feed.filter

        def decide(news: News) -> bool:
            for told in filter(None, (news, news.before)):
                try:
                    article = self._archive.article(told.article)
                except ArchiveError as error:
                    self._out.fault(f"{error}; whether feed {feed.id} takes it is not known until then")
                    self._undecided.setdefault(feed.id, news.captured)
                    return False
                if takes(wanted, article, told.source, moment(told.captured)):
                    return True
            return False

        return decide

    def _publish(self, feed: Feed, state: State, *, strange: bool) -> State:
        """Bring a feed's documents up to date. `strange`: there may be files that nothing is known of."""
        noted = self._log.documents(feed.id)
        key, size = feed_key(feed, self._target), self._target.size
        *sealed, subscription = pages.cut(state.events, size)
        if state.size > size:
            sealed.reverse()  # a page is taken out of older, larger ones: begin where those are not overwritten yet
        for page in sealed:
            self._pages.write(feed, page, key, noted)
        self._out.settle()
        updated = self._pages.write(feed, subscription, key, noted)
        self._out.settle()
        self._kept.add(feed.id)
        self._out.remove(
            sorted({*noted, *(forgotten.sealed(self._out.folder, feed.id, subscription.last) if strange else ())})
        )
        whole = feed.id not in self._undecided and feed.id not in self._pages.lacking
        state = state._replace(size=size, updated=updated, key=key if whole else "")
        self._log.set_state(feed.id, state)
        return state

    def _publish_search(self, whole: State) -> None:
        """Write what the pages for people are searched with, or take it away. `whole`: as for `_publish_site`."""
        if self._target.pages or any(path.startswith(SEARCHED) for path in self._log.documents(SITE)):
            from feedarchiver.building.searching import Searching  # feeds alone do without it

            searching = Searching(self._rendering, self._log, self._target, self._out, self._write)
            searching.write(whole, certain=not self._undecided)

    def _publish_site(self, feeds: tuple[Feed, ...], states: dict[str, State], whole: State) -> None:
        """Write what is about all feeds. `whole`: the state of all their logs together."""
        published = []
        for feed in feeds:
            state = states[feed.id]
            published.append(
                Published(
                    feed=feed,
                    entries=state.entries,
                    events=state.events,
                    sealed=pages.sealed(state.events, state.size),
                    updated=None if state.updated is None else moment(state.updated),
                )
            )
        target = self._target
        site = Site(
            title=target.title,
            base_url=target.base_url,
            size=target.size,
            feeds=tuple(published),
            pages=target.pages,
        )
        known = self._log.documents(SITE)
        noted = {path for path in known if path not in {ARTICLES, IMAGES} and not path.startswith(SEARCHED)}
        key = site_key(feeds, states, self._target)
        for document in site_documents(site, self._pages.cards(whole.events)):
            self._out.publish(document, key)
            noted.discard(document.path)
        self._out.remove(sorted(noted))
        self._log.set_state(SITE, whole._replace(size=self._target.size, key=key))

    def _remove_feed(self, feed: str) -> None:
        """Take away every document of a feed that is no more, and nothing else."""
        paths = {f"{feed}/{format_.NAMES.subscription}" for format_ in FORMATS.values()}
        self._out.remove(sorted({*self._log.documents(feed), *paths, *forgotten.sealed(self._out.folder, feed)}))
        self._log.forget(feed)
