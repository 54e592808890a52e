"""One file for each family of commands; they are the only ones that print.

The table is all that `--help` reads: a command's module is loaded when it is called.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click

from feedarchiver import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

TABLE = {
    "init": ("feedarchiver.commands.setup", "Write an annotated config.toml and its folders."),
    "config": ("feedarchiver.commands.checking", "Check the configuration: `config check`."),
    "import": ("feedarchiver.commands.main", "Archive seed files."),
    "import-images": ("feedarchiver.commands.images", "Archive the images of a folder that a mirror was saved in."),
    "update": ("feedarchiver.commands.asking", "Ask the sources on the web and archive what they say."),
    "reprocess": ("feedarchiver.commands.asking", "Read archived pages again, after an improvement."),
    "build": ("feedarchiver.commands.main", "Publish feeds from the archive."),
    "run": ("feedarchiver.commands.main", "Archive what is new, then publish: what cron calls."),
    "daemon": ("feedarchiver.commands.living", "Run by itself when something is new or due, and serve the feeds."),
    "worker": ("feedarchiver.commands.working", "Work on what a daemon says is due; on any number of machines."),
    "serve": ("feedarchiver.commands.living", "Serve the published folder over HTTP."),
    "add": ("feedarchiver.commands.adding", "Find out what an address offers, and add it as a source."),
    "status": ("feedarchiver.commands.watching", "Show how the archive, its sources and its disk are."),
    "doctor": ("feedarchiver.commands.examining", "Check what may keep this from working, and say what to do."),
    "sources": ("feedarchiver.commands.asking", "List the sources and how they are."),
    "import-opml": ("feedarchiver.commands.lists", "Add the feeds of an OPML list to the configuration."),
    "export-opml": ("feedarchiver.commands.lists", "Print the configured feeds as an OPML list."),
    "search": ("feedarchiver.commands.looking", "Find articles by words in title and text."),
    "show": ("feedarchiver.commands.looking", "Print an article."),
    "explain": ("feedarchiver.commands.looking", "Say where an article's title, date and picture came from."),
    "log": ("feedarchiver.commands.comparing", "List the versions of an article."),
    "diff": ("feedarchiver.commands.comparing", "Show what changed between two versions."),
    "export": ("feedarchiver.commands.moving", "Copy the archive, or a choice of it, into a file or folder."),
    "import-archive": ("feedarchiver.commands.moving", "Take in what an export or another archive holds."),
    "migrate": ("feedarchiver.commands.migrating", "Copy the whole archive to where another configuration has it."),
    "verify": ("feedarchiver.commands.keeping", "Check every object of the archive against its name."),
    "reindex": ("feedarchiver.commands.keeping", "Make the index anew from the archive's objects."),
    "completion": ("feedarchiver.commands.shell", "Print what makes a shell complete commands and options."),
    "man": ("feedarchiver.commands.shell", "Print the manual page."),
}

EXIT_CODES = """\b
Exit codes:
  0  done
  1  failed; what was kept is said
  2  wrong usage or configuration; nothing was done
  3  done, but something was refused, or a source, the hub or the command of `after` failed; each is named"""


class Commands(click.Group):
    """The commands of the table, in its order."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(TABLE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in TABLE:
            return None
        command: click.Command = getattr(import_module(TABLE[cmd_name][0]), f"{cmd_name.replace('-', '_')}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in TABLE and not args[0].startswith("-"):  # click does not know the table, from which to guess
            from difflib import get_close_matches

            close = get_close_matches(args[0], TABLE, 1)
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {close[0]!r}?" if close else ""))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=text) for name, (_, text) in TABLE.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in TABLE.items()])


@click.command(cls=Commands, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="feedarchiver")
def cli() -> None:
    """Keep an archive of articles that forgets nothing, republished as feeds that any reader can subscribe to."""


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line and return its exit status."""
    status = cli.main(list(arguments), prog_name="feedarchiver", standalone_mode=False)
    return status if isinstance(status, int) else 0
