"""Where something lies in an object store: s3://bucket/prefix."""

import re
from typing import NamedTuple, Self

SCHEME = "s3://"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_SEGMENT = re.compile(r"[A-Za-z0-9!_.'()-]+")  # what every store and every tool takes as it is


class Address(NamedTuple):
    """A bucket, what all keys in it begin with (it may be empty), and the store's own address if it is not Amazon's."""

    bucket: str
    prefix: str
    endpoint: str | None = None

    @classmethod
    def parse(cls, text: str, endpoint: str | None = None) -> Self:
        """Read s3://bucket/prefix. Raises ValueError."""
        bucket, _, prefix = text.removeprefix(SCHEME).partition("/")
        segments = prefix.removesuffix("/").split("/") if prefix else []
        sound = all(_SEGMENT.fullmatch(segment) and segment not in {".", ".."} for segment in segments)
        if not text.startswith(SCHEME) or not _BUCKET.fullmatch(bucket) or not sound:
            raise ValueError(
                f"{text!r} is not an S3 address; write it like 's3://bucket/prefix', "
                "with letters, digits and !_.'()- between single slashes"
            )
        return cls(bucket, "/".join(segments), endpoint)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")
