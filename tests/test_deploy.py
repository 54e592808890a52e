"""The examples under deploy/ hold what they promise, as far as that can be tried without the programs they are for."""

import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from program import PROJECT, Program

from feedarchiver.commands import TABLE

DEPLOY = PROJECT / "deploy"
UNITS = sorted(path.name for path in DEPLOY.iterdir() if path.suffix in (".service", ".timer"))


@pytest.mark.parametrize("path", sorted(DEPLOY.iterdir()), ids=lambda path: path.name)
def test_commands_and_options(path):
    """Each example calls commands that are there, and stands in the documentation."""
    text = path.read_text()
    called = re.findall(r"(?:bin/|- run: |run: )feedarchiver ([a-z]+)|ENTRYPOINT.*\nCMD \[\"([a-z]+)\"", text)
    assert {name for names in called for name in names if name} <= TABLE.keys()
    assert f"deploy/{path.name}" in (PROJECT / "docs" / "deploy.md").read_text()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd(tmp_path):
    """Systemd finds nothing wrong with the units, and little exposed."""
    for name in UNITS:
        text = (DEPLOY / name).read_text()
        (tmp_path / name).write_text(text.replace("/opt/feedarchiver/bin/feedarchiver", "/bin/true"))
    units = [tmp_path / name for name in UNITS]
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if str(tmp_path) in line]) == (0, [])
    for unit in units:
        if unit.suffix == ".service":
            command = ["systemd-analyze", "security", "--offline=true", "--threshold=29", unit]
            assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("compose.yaml", "compose-spec"),
        ("compose-cluster.yaml", "compose-spec"),
        ("github-actions.yml", "github-workflows"),
    ],
)
def test_schemas(tmp_path, name, schema):
    """Each example is what its schema (of the Compose Specification, of SchemaStore) asks for, and less is not."""
    pytest.importorskip("check_jsonschema")
    for text, sound in (((DEPLOY / name).read_text(), True), (f"{(DEPLOY / name).read_text()}\nfoo: 1\n", False)):
        (tmp_path / name).write_text(text)
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", tmp_path / name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode == 0) is sound, done.stdout


def test_compose():
    """The container is not root, can write only to its volume, and is open to its host only."""
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["feedarchiver"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert [volume.partition(":")[2] for volume in service["volumes"]] == ["/data"]
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).samefile(DEPLOY / "Dockerfile")
    assert re.search(r"^USER \d+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)


def test_what_the_image_is_built_of():
    """The image is built of all that an installation needs, and of nothing that somebody has in a checkout besides."""
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    built = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    wheel = built["tool"]["hatch"]["build"]["targets"]["wheel"]
    wanted = {built["project"]["readme"], *built["project"]["license-files"], *wheel["packages"], *wheel["shared-data"]}
    assert names == wanted | {"pyproject.toml", "constraints.txt"}


def test_the_health_check(tmp_path):
    """What the container's health check calls tells a server that runs from one that does not."""
    from living import living

    program = Program(tmp_path / "home")
    assert program("run").status == 0
    script = re.search(r'"python", "-c", "(.*)"\]', (DEPLOY / "Dockerfile").read_text())[1]
    with living(program, "serve", "--port", "0") as server:
        command = ["python3", "-c", script.replace("8000", str(server.serving().port))]
        assert subprocess.run(command, timeout=20, check=False).returncode == 0
        assert server.end() == 0
        assert subprocess.run(command, capture_output=True, timeout=20, check=False).returncode != 0


def test_the_workflow_keeps_the_archive(tmp_path):
    """What the workflow calls commits the archive's objects, and commits nothing when nothing is new."""
    workflow = yaml.safe_load((DEPLOY / "github-actions.yml").read_text())
    assert set(workflow[True]) == {"schedule", "push", "workflow_dispatch"}  # "on" is a truth to YAML
    steps = {step.get("name"): step for step in workflow["jobs"]["feeds"]["steps"]}
    program = Program(tmp_path / "home")
    program.write("a.txt")

    def git(*arguments):
        command = ["git", "-C", program.folder, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / "remote"], timeout=60, check=True)
    git("init", "-q", "-b", "main")
    git("remote", "add", "origin", str(tmp_path / "remote"))
    git("config", "push.autoSetupRemote", "true")
    (program.folder / ".gitignore").write_text("/archive/\n")
    for _ in range(2):
        assert program("run").status == 0
        keep = steps["Keep the archive"]["run"]
        subprocess.run(["bash", "-e", "-c", keep], cwd=program.folder, timeout=60, check=True, capture_output=True)
    assert git("rev-list", "--count", "origin/main").strip() == "1"
    kept = git("ls-tree", "-r", "--name-only", "origin/main").split()
    assert len(kept) == 4  # format.json, the raw bytes, the article, the capture
    shutil.rmtree(program.archive)
    git("checkout", "-q", "--", "archive")
    assert program("verify").status == 0
    assert program.told("run")["built"]["written"] == []
