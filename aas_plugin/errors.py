"""The one base class of every error that a user can cause and mend."""


class AasError(Exception):
    """One sentence that names the thing, the place and the way out."""
