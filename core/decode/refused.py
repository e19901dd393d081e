"""How this program says no."""


class RefusedError(Exception):
    """The file is at fault. `code` names a sentence in `core.media.refusals`."""

    def __init__(self, code: str, **values: str | float) -> None:
        super().__init__(code)
        self.code = code
        self.shown = values
