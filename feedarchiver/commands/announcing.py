"""What follows a build: the command that the configuration names, then the hub. Neither ever fails a build."""

from feedarchiver.archive.archive import Archive
from feedarchiver.commands.console import Console
from feedarchiver.commands.naming import plural
from feedarchiver.config import Config, feeds_for
from feedarchiver.config.environment import variable


def announce(console: Console, config: Config, archive: Archive) -> bool:
    """Call the command and tell the hub, as far as something has been published since. Returns whether all went well.

    As long as the command has not succeeded, the hub is not told: readers might find nothing new there.
    """
    if config.after is not None and not _call(console, config, config.after, archive):
        return False
    return config.hub is None or _tell(console, config, config.hub, archive)


def _call(console: Console, config: Config, line: str, archive: Archive) -> bool:
    """Call the command. Returns False when it has not succeeded yet."""
    from feedarchiver.announcing.after import Command, call

    environment = {variable("publish", "folder"): str(config.published)}
    came = call(archive, Command(line, config.root, environment), console.step)
    if came.trouble:
        # The command itself is not repeated: it may hold a secret, and logs travel.
        text = f"after: {came.trouble}; the feeds are built; called again in the next run"
        console.warn(text, event="after", reason=came.trouble)
    elif came.called:
        console.detail("after: succeeded")
    return came.trouble is None


def _tell(console: Console, config: Config, url: str, archive: Archive) -> bool:
    """Tell the hub. Returns False when something went wrong."""
    from feedarchiver.announcing.hub import Hub, tell
    from feedarchiver.publish.folder import Folder

    feeds = feeds_for(config, archive.index.sources())
    hub = Hub(url, config.base_url, Folder(config.published))
    came = tell(archive, feeds, hub, now=console.now(), contact=config.contact, step=console.step)
    if came.trouble:
        text = f"hub: {url}: {came.trouble}; the feeds are built, {plural(came.left, 'document')} not told yet"
        console.warn(text, event="hub", hub=url, reason=came.trouble, left=came.left)
    if came.told:
        console.detail(f"hub: {url}: told of {plural(came.told, 'document')}")
    return came.trouble is None
