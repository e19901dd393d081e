"""A refusal by the store, for the few places in this package that know what to do about one."""

from core.errors import StorageError


class StoreRefused(StorageError):
    """The store answered, with an error code of its own."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code
