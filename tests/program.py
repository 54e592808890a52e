"""The program as a user has it: a folder with a config.toml and seeds, and commands run in it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nursery
from nursery import PROJECT, Ran

CONFIG = '[[source]]\nid = "seeds"\nkind = "seeds"\nfolder = "seeds/"\n'
SOAK = bool(os.environ.get("FEEDARCHIVER_SOAK"))  # `make soak`: every start from nothing, every call, many more moments


# A child's peak memory counts what its parent had when it was born: so this small one is the parent.
MEASURE = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


class Program:
    """A folder of its own, with commands run in it from outside."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        self.folder = folder
        self.seeds = folder / "seeds"
        self.archive = folder / "archive"
        self.feeds = folder / "feeds"
        self.seeds.mkdir(parents=True)
        (folder / "config.toml").write_text(config, encoding="utf-8")

    def __call__(self, *arguments: str | Path, **environment: str) -> Ran:
        """Run a command: warm, but from nothing in `make soak`, and where the interpreter is to be told something."""
        if not SOAK and nursery.suits(environment):
            return self.warm(*arguments, **environment)
        done = subprocess.run(
            [sys.executable, "-m", "feedarchiver", *map(os.fspath, arguments)],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(PROJECT)} | environment,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def warm(self, *arguments: str | Path, **environment: str) -> Ran:
        """Run a command in a fork of a process that has loaded the program."""
        environment = os.environ | {"PYTHONPATH": str(PROJECT)} | environment
        done = nursery.run(self.folder, [*map(os.fspath, arguments)], environment, timeout_s=120)
        assert "Traceback" not in done.err, done.err
        return done

    def copy(self, folder: Path) -> "Program":
        """Copy the folder as it stands, to go on there: cheaper than running everything again."""
        copied = Program(folder)
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return copied

    def told(self, *arguments: str) -> dict:
        """Run a command with --json and return its last line."""
        return json.loads(self(*arguments, "--json").out.splitlines()[-1])

    def write(self, name: str, **seed: object) -> Path:
        """Write a seed file."""
        path = self.seeds / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seed_bytes(**seed))
        return path

    def state(self, *folders: Path) -> dict[str, tuple[int, int, int]]:
        """Every file below the folders, with what changes when it is written: inode, size, mtime."""
        found = {}
        for folder in folders or (self.folder,):
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    seen = path.lstat()
                    found[str(path.relative_to(self.folder))] = (seen.st_ino, seen.st_size, seen.st_mtime_ns)
        return found

    def documents(self) -> dict[str, bytes]:
        """Every published document."""
        paths = (path for path in self.feeds.rglob("*") if path.is_file())
        return {str(path.relative_to(self.feeds)): path.read_bytes() for path in paths}


def seed_bytes(
    title: str = "A title",
    link: str = "https://example.org/1",
    stamp: object = 1699137901000,
    body: str = "<p>Text.</p>",
) -> bytes:
    """Write a seed file's bytes."""
    return f"<!--{stamp}-->\n[{title}]({link})\n------\n\n{body}".encode()
