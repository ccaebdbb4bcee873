"""What is not done, and told to the person who asked for it."""

from aas_plugin.errors import AasError


class Refused(AasError):
    """Something that a page asked for is not done; nothing is changed.

    Attributes:
        status: of HTTP, 400 to 499.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
