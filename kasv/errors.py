"""The exceptions that kasv raises for what its user can put right.

They know nothing of asv, whose import alone takes longer than most of kasv's commands.
"""


class KasvError(Exception):
    """Names the thing, the place and the remedy; shown without a traceback."""


class UnknownNameError(KasvError):
    """No release, branch or commit is called so."""
