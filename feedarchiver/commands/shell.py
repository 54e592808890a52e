"""completion and man: what a shell and `man` know of the commands, out of the commands themselves."""

import click

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def completion_command(shell: str) -> int:
    """Print what makes SHELL complete commands, options and files.

    \b
    bash:  feedarchiver completion bash > ~/.local/share/bash-completion/completions/feedarchiver
    zsh:   feedarchiver completion zsh > a folder of $fpath/_feedarchiver
    fish:  feedarchiver completion fish > ~/.config/fish/completions/feedarchiver.fish
    """  # noqa: D301 - the mark of lines that click leaves alone
    from click.shell_completion import ShellComplete, get_completion_class

    from feedarchiver.commands import cli

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - for the types
    completing = found(cli, {}, "feedarchiver", "_FEEDARCHIVER_COMPLETE")
    click.echo(ShellComplete.source(completing).strip())  # bash's own also starts a bash, to look at its version
    return 0


@click.command("man")
def man_command() -> int:
    """Print the manual page, for `man -l -`. It is installed as feedarchiver(1)."""
    from feedarchiver.commands.manual import page

    click.echo(page(), nl=False)
    return 0
