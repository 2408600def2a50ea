"""asv's configuration of the checkout in the current folder."""

from asv.config import Config
from asv.util import UserError

from kasv.errors import KasvError


def load() -> Config:
    """Return what asv.conf.json says, as asv reads it.

    Raises:
        KasvError: there is no such file, or asv cannot read it.
    """
    try:
        return Config.load("asv.conf.json")
    except (OSError, UserError) as error:
        raise KasvError(f"asv.conf.json: {error}; run kasv in its checkout's folder") from error
