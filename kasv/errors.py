"""The one exception that kasv raises for what its user can put right."""

from asv.util import UserError


class KasvError(UserError):  # type: ignore[misc]  # asv is untyped
    """Names the thing, the place and the remedy; asv prints it without a traceback."""
