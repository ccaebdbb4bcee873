"""The page's own files, kept in memory: a first visit asks for two dozen of them at once."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

STATIC = Path(__file__).parent / "static"
KINDS = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}


def page_routes() -> list[Route]:
    """Routes of the page, and of the files that it is made of; a browser asks each time whether it has the newest."""
    found = {path.name: (path.read_bytes(), _kind(path)) for path in sorted(STATIC.iterdir()) if path.is_file()}
    tags = {name: f'"{hashlib.sha256(content).hexdigest()[:16]}"' for name, (content, _) in found.items()}

    def told(name: str, request: Request) -> Response:
        if name not in found:
            raise HTTPException(404)
        # Parts of two versions would not fit together.
        headers = {"cache-control": "no-cache", "etag": tags[name]}
        if request.headers.get("if-none-match") == tags[name]:
            return Response(status_code=304, headers=headers)
        return Response(found[name][0], media_type=found[name][1], headers=headers)

    async def page(request: Request) -> Response:
        return told("index.html", request)

    async def file(request: Request) -> Response:
        return told(request.path_params["name"], request)

    return [Route("/", page, methods=["GET"]), Route("/static/{name:str}", file, methods=["GET"])]


def _kind(path: Path) -> str:
    # What a system believes of suffixes can be set on it, and a browser runs no script of another kind.
    return KINDS.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
