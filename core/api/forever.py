"""Files that never change under their name: the browser keeps them."""

import os
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles


class ForeverFiles(StaticFiles):
    """Serves a folder; only its stylesheet is asked for again."""

    def file_response(self, full_path: Any, *args: Any, **kwargs: Any) -> Response:
        """Add how long a browser may keep it."""
        answer = super().file_response(full_path, *args, **kwargs)
        changes = os.fspath(full_path).endswith(".css")
        answer.headers["Cache-Control"] = (
            "public, max-age=3600" if changes else "public, max-age=31536000, immutable"
        )
        return answer
