"""Read named members of a tar archive into memory: nothing is ever unpacked to the disk."""

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from kasv.errors import KasvError

# The largest member that any data set needs is the 65 MB of IMDb's reviews.
_LARGEST = 200_000_000


def read_members(archive: Path, *names: str) -> Iterator[tuple[str, bytes]]:
    """Yield the named regular files of an archive, in its order, one at a time.

    Members are matched by their whole name and never followed: links, devices and any other path
    are passed over. Raises KasvError where one is missing, too large, or the archive is damaged.
    """
    missing = set(names)
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.name in missing and member.isreg():
                    missing.remove(member.name)
                    yield member.name, _read(tar, member)
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError) as error:
        raise KasvError(f"{archive}: not a readable tar archive ({error}): remove it") from error
    if missing:
        raise KasvError(f"{archive}: has no regular file {sorted(missing)}: remove it")


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """Return a regular member's bytes."""
    if member.size > _LARGEST:
        raise tarfile.ReadError(f"{member.name} is larger than {_LARGEST} bytes")
    stream = tar.extractfile(member)
    return stream.read() if stream else b""
