"""Whose name requests are signed in: the environment and the profiles that the AWS tools use, too.

Keys in the environment come first, then those of the profile (AWS_PROFILE, else "default") in ~/.aws/credentials and
~/.aws/config. Where there are none, obstore asks what a machine, container or pod in Amazon's cloud is given.
"""

import configparser
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from feedarchiver.errors import UsageError

_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.:_\[\]-]+(/[A-Za-z0-9._~/-]*)?", re.IGNORECASE)
_GIVEN = (  # what obstore itself finds in the environment, or asks for where that says
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SKIP_SIGNATURE",
)


def settings(environment: Mapping[str, str], endpoint: str | None) -> dict[str, str]:
    """Gather what a connection needs, in the words of obstore. `endpoint`: that of config.toml. Raises UsageError."""
    profile = _profile(environment)
    found = {}
    if not any(environment.get(name) for name in _GIVEN):
        found = {name: profile[name] for name in _KEYS if name in profile}
        if not found:
            _check_absent(environment)
    if not environment.get("AWS_REGION") and not environment.get("AWS_DEFAULT_REGION") and "region" in profile:
        found["aws_region"] = profile["region"]
    variables = map(environment.get, ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"))
    endpoint = next(filter(None, (endpoint, *variables, profile.get("endpoint_url"))), None)
    if endpoint:
        _check(endpoint)
        found |= dict.fromkeys(("aws_endpoint", "aws_endpoint_url_s3"), endpoint.rstrip("/"))
    return found


def _check(endpoint: str) -> None:
    """See that a store can be asked at an address. Raises UsageError."""
    with suppress(ValueError):
        parts = urlsplit(endpoint)
        if _ENDPOINT.fullmatch(endpoint) and parts.hostname and parts.port != 0:
            return
    told = "the endpoint of S3 that the environment or the AWS profile names is no address of a store"
    raise UsageError(f"{told} like 'https://s3.example.org'; nothing was done")


def _profile(environment: Mapping[str, str]) -> dict[str, str]:
    """Read the profile out of the files of the AWS tools."""
    name = environment.get("AWS_PROFILE")
    home = Path.home() / ".aws"
    section = name or "default"
    config = _section(environment.get("AWS_CONFIG_FILE") or home / "config", f"profile {name}" if name else section)
    secret = _section(environment.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials", section)
    if name and config is None and secret is None:
        raise UsageError(f"there is no AWS profile {name}, which AWS_PROFILE names; nothing was done")
    return (config or {}) | (secret or {})


def _section(path: str | Path, name: str) -> dict[str, str] | None:
    """Read a section of a file. None: there is none, or no file."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(os.path.expanduser(path), encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        raise UsageError(f"{path} cannot be read as a file of AWS profiles; nothing was done") from None
    return dict(parser[name]) if parser.has_section(name) else None


def _check_absent(environment: Mapping[str, str]) -> None:
    """See that there is anybody left to ask for credentials. Raises UsageError."""
    if name := environment.get("AWS_PROFILE"):
        raise UsageError(
            f"AWS profile {name} holds no access key; put one into the environment with "
            f"`aws configure export-credentials --profile {name} --format env`; nothing was done"
        )
    if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        raise UsageError(
            "there are no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; "
            "nothing was done"
        )
