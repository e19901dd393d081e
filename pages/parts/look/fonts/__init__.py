"""The typefaces, and the route that serves them. The files are the projects' own, unmodified."""

from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent
LASTING = {".woff2": "public, max-age=31536000, immutable", ".css": "public, max-age=86400"}


class _Fonts(StaticFiles):
    """Nothing but typefaces and their sheet leaves this folder, and the browser keeps it."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with the file and how long it lasts; anything else is not there."""
        lasting = LASTING.get(Path(path).suffix)
        if lasting is None:
            return Response(status_code=404)
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = lasting
        return response


def files() -> StaticFiles:
    """Return the application to mount at /api/fonts."""
    return _Fonts(directory=FOLDER)
