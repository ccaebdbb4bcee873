"""The routes of the page's server: each a thin door to the queue and its photos."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aas_plugin.annotator.matches import matches_picture
from aas_plugin.annotator.pages import page_routes
from aas_plugin.annotator.photos import Photos
from aas_plugin.annotator.queue import QuestionQueue, Refused, images_in
from aas_plugin.annotator.requests import (
    Asking,
    Claim,
    Finish,
    Given,
    Later,
    Preview,
    Resolve,
    Undo,
    Unmerge,
    checked,
)
from aas_plugin.annotator.security import TooLarge
from aas_plugin.errors import AasError

HOUR = "private, max-age=3600"
NUMBER = re.compile("[0-9]{1,9}")


def make_app(queue: QuestionQueue, photos: Photos) -> Starlette:
    """The application: the page, what it asks for in JSON, and photos.

    Args:
        queue: what is asked, and what becomes of answers.
        photos: of its images.
    """

    def asked(call: Callable[[Asking], dict[str, Any]]) -> Any:
        async def answer(request: Request) -> Response:
            given = checked(Asking, dict(request.query_params))
            return _told(await run_in_threadpool(lambda: _shown(call(given), photos)))

        return answer

    def sent(kind: Any, call: Callable[[Any], dict[str, Any]]) -> Any:
        async def answer(request: Request) -> Response:
            body = checked(kind, await _json(request))
            return _told(await run_in_threadpool(lambda: _shown(call(body), photos)))

        return answer

    def claim(body: Claim) -> dict[str, Any]:
        found = queue.claim(body.person, body.tab, body.held, body.want)
        photos.prefetch((image for pair in found["pairs"] for image in (pair["a"], pair["b"])), body.size)
        return found

    def why(given: Asking) -> dict[str, Any]:
        return queue.why(_needed(given.pair, "pair"), _needed(given.person, "person"))

    async def photo(request: Request) -> Response:
        # Read as Starlette does, a number of thousands of digits is an error of Python.
        name = request.path_params["image"]
        if not NUMBER.fullmatch(name):
            raise Refused("a photo is named by its number; reload the page", 404)
        made = await run_in_threadpool(photos.shown, int(name), request.path_params["size"])
        keep = HOUR if request.query_params.get("v") else "no-store"
        return Response(made, media_type="image/jpeg", headers={"cache-control": keep})

    async def matches(request: Request) -> Response:
        given = checked(Asking, {**request.query_params, "pair": request.path_params["pair"]})
        pair, person = _needed(given.pair, "pair"), _needed(given.person, "person")
        made = await run_in_threadpool(matches_picture, queue, photos, pair, person)
        return Response(made, media_type="image/jpeg", headers={"cache-control": "no-store"})

    gets = {
        "session": lambda given: queue.session(),
        "state": lambda given: queue.state(given.person),
        "history": lambda given: queue.history(_needed(given.person, "person"), given.before, given.limit),
        "contradictions": lambda given: queue.contradictions(),
        "why": why,
        "groups": lambda given: queue.groups(),
        "people": lambda given: queue.people(),
    }
    posts: dict[str, tuple[Any, Callable[[Any], dict[str, Any]]]] = {
        "claim": (Claim, claim),
        "answers": (Given, lambda body: queue.answer(**body.model_dump())),
        "later": (Later, lambda body: queue.later(**body.model_dump())),
        "finish": (Finish, lambda body: queue.finish(body.person)),
        "undo": (Undo, lambda body: queue.undo(**body.model_dump())),
        "resolve": (Resolve, lambda body: queue.resolve(**body.model_dump())),
        "unmerge/preview": (Preview, lambda body: queue.unmerge_preview(body.photos)),
        "unmerge": (Unmerge, lambda body: queue.unmerge(**body.model_dump())),
    }
    return Starlette(
        routes=[
            *page_routes(),
            *(Route(f"/api/{name}", asked(call), methods=["GET"]) for name, call in gets.items()),
            *(Route(f"/api/{name}", sent(*door), methods=["POST"]) for name, door in posts.items()),
            Route("/photo/{image:str}/{size:str}.jpg", photo, methods=["GET"]),
            Route("/matches/{pair:str}.jpg", matches, methods=["GET"]),
        ],
        exception_handlers={
            Refused: _refused,
            AasError: _not_kept,
            TooLarge: _too_large,
            ClientDisconnect: _left,
            HTTPException: _http,
            Exception: _unexpected,
        },
    )


def _shown(result: dict[str, Any], photos: Photos) -> dict[str, Any]:
    """A result of the queue with what is known of the photos that it names."""
    named = images_in(result)
    return {**result, "photos": {str(image): photos.describe(image) for image in sorted(named)}} if named else result


def _needed(value: str | None, name: str) -> str:
    if value is None:
        raise Refused(f"the address lacks {name}; reload the page", 400)
    return value


async def _json(request: Request) -> Any:
    body = await request.body()
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused("this is no JSON in UTF-8, so nothing was kept; reload the page", 400) from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _told(result: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(result, status, headers={"cache-control": "no-store"})


def _not_done(sentence: str, status: int) -> Response:
    return _told({"error": sentence, "kept": False}, status)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # the handler is registered for it
    return _not_done(str(error), error.status)


async def _not_kept(request: Request, error: Exception) -> Response:
    return _not_done(str(error), 503)


async def _too_large(request: Request, error: Exception) -> Response:
    return _not_done("what is sent is too large, so nothing was kept", 413)


async def _left(request: Request, error: Exception) -> Response:
    return _not_done("the request ended before all of it was there, so nothing was kept", 400)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # the handler is registered for it
    return _not_done(f"{error.detail}: {request.method} {request.url.path[:60]}", error.status_code)


async def _unexpected(request: Request, error: Exception) -> Response:
    return _not_done(f"the server failed ({type(error).__name__}), so nothing was kept; see its terminal", 500)
