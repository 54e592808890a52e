"""import-images: the images of articles, out of a folder that they were saved in."""

from datetime import UTC, datetime
from pathlib import Path

import click

from feedarchiver import flow
from feedarchiver.archive.archive import Archive
from feedarchiver.commands.console import Console, PathName, common
from feedarchiver.commands.naming import plural
from feedarchiver.config import load


@click.command("import-images")
@common
@click.argument("folder", type=PathName(path_type=Path, exists=True, file_okay=False))
def import_images_command(console: Console, folder: Path) -> int:
    """Archive the images in FOLDER as copies of the addresses that their paths name: <host>/<path>.

    That is how wget -x, wget -r and HTTrack save what they fetch. Known are AVIF, BMP, GIF, JPEG, PNG and WebP, by what
    is in the file; other files are passed over. With images = "archived" in config.toml, feeds show these copies.
    """
    config = load(console.config_path)
    now = datetime.now(UTC)
    with Archive.create(config.store, config.index, now=now) as archive, console.progress("archiving") as advance:
        done = flow.import_images(archive, folder, now=now, advance=advance)
    for refusal in done.refused:
        console.warn(str(refusal), event="refused", place=refusal.place, reason=refusal.reason, kept=refusal.kept)
    parts = [plural(done.new + done.versions + done.known, "image"), f"{done.new} new"]
    parts += [f"{done.versions} in another version"] if done.versions else []
    parts += [f"{plural(done.others, 'other file')} passed over"] if done.others else []
    parts += [f"{len(done.refused)} refused"] if done.refused else []
    counts = {name: getattr(done, name) for name in ("new", "versions", "known", "others")}
    console.say(", ".join(parts), event="imported", **counts, refused=len(done.refused))
    return 3 if done.refused else 0
