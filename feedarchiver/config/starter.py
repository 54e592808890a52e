"""What `feedarchiver init` writes: an annotated config.toml and the folders it names. Overwrites nothing."""

import os
from pathlib import Path

from feedarchiver.errors import StorageError, UsageError

NAME = "config.toml"
_FOLDERS = ("seeds", "feeds")  # the archive's folder is made, with its format.json, by the first import
_TEXT = Path(__file__).with_name("starter.toml")


def start(folder: Path) -> list[Path]:
    """Write config.toml and the folders into `folder`, made if missing. Return what was made.

    Raises UsageError if there is a config.toml already, StorageError if the disk refuses.
    """
    config = folder / NAME
    if os.path.lexists(config):
        raise UsageError(f"{config} exists already; it was left as it is, and nothing was written")
    made = [path for path in (folder, *(folder / name for name in _FOLDERS)) if not path.is_dir()]
    try:
        for path in made:
            path.mkdir(parents=True)
        with config.open("xb") as file:
            try:
                file.write(_TEXT.read_bytes())
                file.flush()
            except OSError:
                config.unlink()  # half a configuration would be kept from being mended by running again
                raise
    except OSError as error:
        raise StorageError.of(error, "write", str(error.filename or config), "nothing was overwritten") from error
    return [*made, config]
