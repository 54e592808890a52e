"""What the daemon does, round by round: that of `run`, in parts that go on beside each other, said in a log."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from feedarchiver.archive.archive import Archive
from feedarchiver.commands.account import Account
from feedarchiver.commands.announcing import announce
from feedarchiver.commands.log import Log, described
from feedarchiver.commands.main import (
    Ran,
    ask_due,
    fetch_due,
    folders,
    import_new,
    publish,
    tell_health,
)
from feedarchiver.commands.resealing import would_reseal
from feedarchiver.commands.trouble import said
from feedarchiver.config import Config, load
from feedarchiver.errors import ArchiveInUse, ConfigError, UsageError

if TYPE_CHECKING:
    from feedarchiver.daemon import Came
    from feedarchiver.server import Hub
    from feedarchiver.server.knowing import Facts

_QUIET_S = 2.0
_PICTURES_S = 20.0  # then the sources have their turn
_WAIT_S = 1.0  # for another process that writes; then the next tick tries again


class Rounds:
    """What the daemon does: that of `run`, said in a log. A fault ends a run and never the daemon."""

    asking_s = 10.0

    def __init__(self, log: Log, config: Config) -> None:
        self._log, self.config = log, config
        self._asking, self._fetching, self._announcing = log.another(), log.another(), log.another()
        self.account = Account()
        self.moved: Callable[[Path, Hub | None], None] = lambda _, __: None
        self.published: Callable[[], None] = lambda: None

    def facts(self) -> "Facts":
        """Tell what was done, in the words of the metrics."""
        return self.account.facts()

    def folders(self) -> Iterator[str]:
        from feedarchiver.gather.folder import folders as below

        for folder in folders(self.config):
            yield from below(folder.path)

    def run(self, step: Callable[[], None]) -> "Came":
        return self._done(self._log, step, self._run)

    def ask(self, step: Callable[[], None]) -> "Came":
        return self._done(self._asking, step, self._ask)

    def announce(self, step: Callable[[], None]) -> None:
        if self.config.hub or self.config.after:
            self._done(self._announcing, step, self._announce)

    def _done(self, journal: Log, step: Callable[[], None], work: Callable[[], "Came"]) -> "Came":
        """Do a part of the work, and say what went wrong."""
        from feedarchiver.daemon import Came, Stopped

        journal.turn()
        journal.step = step
        try:
            came = work()
        except Stopped:
            raise
        except ArchiveInUse as error:
            journal.warn(f"waiting: {error}", event="waiting", reason=str(error))
            return Came.SOON
        except Exception as error:  # noqa: BLE001 - whatever it is, the next run may do without it
            text = said(error) or described(error)
            journal.warn(f"failed: {text}; tried again later", event="failed", reason=text)
            self.account.failed(work.__name__, text)
            return Came.FAILED
        self.account.worked(work.__name__)
        return came

    def _run(self) -> "Came":
        """Do what `run` does, but for the web."""
        from feedarchiver.daemon import Came

        config = self.config
        with Archive.create(config.store, config.index, now=self._log.now(), wait_s=_WAIT_S) as archive:
            archive.keeps_cleaned = True
            cut = would_reseal(config, archive)
            if cut:
                raise UsageError(f"{cut}; call `feedarchiver run --reseal` to do it, or set it back; nothing was done")
            imported = import_new(self._log, config, archive, _QUIET_S)
            with self.account.building():
                built = publish(self._log, config, archive)
        if imported.new or imported.versions or built.written or built.removed:
            ran = Ran(imported, None, built)
            self._log.say(ran.told, event="run", **ran.figures)
        if built.written or built.removed:
            self.published()
        if built.faults:
            self.account.failed("publish", f"{built.faults[0]}{', and more' if len(built.faults) > 1 else ''}")
            return Came.FAILED
        self.account.worked("publish")
        return Came.SOON if imported.young else Came.DONE

    def _ask(self) -> "Came":
        """Ask the web: beside the rest, so that no source delays it."""
        from feedarchiver.daemon import Came

        config = self.config
        if not config.tells_health and not any(source.asking for source in config.sources):
            return Came.DONE
        with Archive.create(config.store, config.index, now=self._asking.now()) as archive:
            updated = ask_due(self._asking, config, archive)
            told = tell_health(self._asking, config, archive)
        if updated is None or not updated.asked:
            return Came.SOON if told else Came.DONE
        from feedarchiver.commands import asking

        self.account.asked(updated)
        self._asking.say(asking.told(updated), event="updated", **asking.figures(updated))
        return Came.SOON if told or updated.new or updated.versions else Came.DONE

    def fetch(self, step: Callable[[], None]) -> "Came":
        return self._done(self._fetching, step, self._fetch)

    def _fetch(self) -> "Came":
        """Fetch pictures, for as long as no source need wait for its turn."""
        from feedarchiver.daemon import Came

        config = self.config
        if not any(source.pictures for source in config.sources):
            return Came.DONE
        with Archive.create(config.store, config.index, now=self._fetching.now()) as archive:
            fetched = fetch_due(self._fetching, config, archive, _PICTURES_S)
        if fetched is None or not fetched.stored:
            return Came.DONE
        from feedarchiver.commands import pictures

        self._fetching.say(pictures.told(fetched), event="fetched", **pictures.figures(fetched))
        return Came.SOON

    def _announce(self) -> "Came":
        """Tell the world: beside the rest, so that no command and no hub delays it."""
        from feedarchiver.daemon import Came

        with Archive.open(self.config.store, self.config.index) as archive:
            announce(self._announcing, self.config, archive)
        return Came.DONE

    def reload(self) -> None:
        try:
            self.config = load(self._log.config_path)
        except ConfigError as error:
            for problem in error.problems:
                self._log.warn(f"{problem}; the old configuration stays", event="config", problem=problem)
            return
        self.moved(self.config.published, hub_of(self.config))
        self._log.say("configuration read again", event="reloaded")


def rounds(log: Log, config: Config) -> Rounds:
    """Make what the daemon does: all of it, or, where there are workers, what is not theirs."""
    if config.engine is None:
        return Rounds(log, config)
    from feedarchiver.commands.directing import Directing

    return Directing(log, config, config.engine)


def hub_of(config: Config) -> "Hub | None":
    """Name the hub that feeds are served with."""
    from feedarchiver.server import Hub

    return None if config.hub is None else Hub(config.hub, config.base_url)
