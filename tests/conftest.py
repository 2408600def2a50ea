"""What several test modules share: a short history of releases."""

from datetime import UTC, datetime

import pytest
from faults import small_disk

from kasv.releases import Release

__all__ = ["small_disk"]

LOCK = "".join(
    f"{pin} --hash=sha256:{'0' * 64}\n" for pin in ("asv-runner==0.3.2", "numpy==1.19.5")
)


def release(tag: str, date: str, **fields: str) -> Release:
    backend, _, version = tag.partition("-")
    return Release(
        tag=tag,
        version=fields.get("version", version),
        date=datetime.fromisoformat(date).replace(tzinfo=UTC),
        python=fields.get("python", "3.6"),
        keras=fields.get("keras", "2.2.4"),
        requires=[f"{backend}=={version}"],
        lock=fields.get("lock", LOCK),
    )


@pytest.fixture
def few_releases() -> list[Release]:
    return [
        release("tensorflow-1.3.0", "2017-08-17"),
        release("tensorflow-1.4.1", "2017-12-08"),
        release("tensorflow-1.14.0", "2019-06-18"),
        release("cntk-2.6", "2018-09-15"),
        release("cntk-2.7", "2019-04-18"),
    ]


@pytest.fixture(scope="session")
def cache():
    """Return the cache's folder, with a real data set in it."""
    from kasv import datasets

    datasets.ensure("mnist")
    return datasets.arrays_folder().parent
