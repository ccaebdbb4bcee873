"""Who may talk to the page's server: this machine's browser, or one that knows the token, and no other site's page."""

from __future__ import annotations

import ipaddress
import json
import re
import secrets
import socket
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 64 * 1024
"""Bytes of a request's body at most."""
COOKIE = "aas-token-"
"""Begins the name of the cookie, which ends in the port: a host's cookies are those of all its ports."""
HOST = re.compile(r"(?P<name>[a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\])(:(?P<port>[0-9]{1,5}))?", re.IGNORECASE)
ENTRANCE = b'<!DOCTYPE html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/"><title>aas</title>'
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """A secret of 32 random bytes, as text."""
    return secrets.token_urlsafe(32)


class Guard:
    """Refuses what does not come from the page itself, and answers with headers that keep the page to itself.

    The `Host` has to be an address or a name of this server, so that a foreign name that is made to point here (DNS
    rebinding) is refused; `Origin` and `Sec-Fetch-Site`, where a browser sends them, have to be the page's own. Beyond
    this machine a token is needed: in the address once, which sets a cookie and is taken out of it.

    Args:
        app: what is guarded.
        host: the address that is listened at.
        port: and its port.
        token: that a browser must know; None where only this machine reaches it.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, token: str | None) -> None:
        self._app, self._port, self._token = app, port, token
        self._cookie = f"{COOKIE}{port}"
        self._beyond = not is_loopback(host)
        self._names = {"localhost", host.lower()}
        if self._beyond:
            own = socket.gethostname().lower()
            # The last is what a tablet finds without any server of names.
            self._names |= {own, socket.getfqdn().lower(), f"{own.partition('.')[0]}.local"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
        refused = self._refused(scope, headers)
        if refused is not None:
            await _tell(send, *refused)
            return
        if self._token is not None and not self._knows(headers):
            await self._let_in(scope, send)
            return
        await self._app(scope, _bounded(receive), _with_headers(send))

    def _refused(self, scope: Scope, headers: dict[str, list[str]]) -> tuple[int, str] | None:
        """Why a request is refused, as a status and a sentence; None where it is not."""
        hosts = headers.get("host", [])
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return 421, "this server does not answer to that name; open the address that the command printed"
        origins = headers.get("origin", [])
        if any(origin != f"http://{hosts[0]}" for origin in origins):
            return 403, "another site's page may not use this server"
        sites = headers.get("sec-fetch-site", [])
        # A person may come from a link elsewhere, to the page alone.
        own = {"same-origin", "none"} if scope["path"] != "/" else {"same-origin", "none", "same-site", "cross-site"}
        if any(site not in own for site in sites):
            return 403, "another site's page may not use this server"
        if scope["method"] not in ("GET", "HEAD"):
            kinds = headers.get("content-type", [])
            if len(kinds) != 1 or kinds[0].split(";")[0].strip().lower() != "application/json":
                return 415, "what is sent must be application/json"
            lengths = headers.get("content-length", ["0"])
            if len(lengths) != 1 or not re.fullmatch("[0-9]{1,9}", lengths[0]) or int(lengths[0]) > LARGEST:
                return 413, f"what is sent may have {LARGEST} bytes at most"
        return None

    def _is_ours(self, host: str) -> bool:
        found = HOST.fullmatch(host)
        if found is None or found["port"] not in (str(self._port), None):
            return False
        name = found["name"].strip("[]").lower()
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._beyond or address.is_loopback

    def _knows(self, headers: dict[str, list[str]]) -> bool:
        for given in headers.get("cookie", []):
            try:
                found = SimpleCookie(given).get(self._cookie)
            except CookieError:
                continue
            if found is not None and self._is_token(found.value):
                return True
        return False

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode("utf-8", "replace"), (self._token or "").encode())

    async def _let_in(self, scope: Scope, send: Send) -> None:
        """Take the token out of the address into a cookie."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and scope["method"] == "GET" and self._is_token(given):
            cookie = f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            # Redirected from a link in a mail or a chat, a browser would not send the cookie along.
            await _send(send, 200, ENTRANCE, {"set-cookie": cookie, "content-type": "text/html; charset=utf-8"})
        else:
            await _tell(send, 401, "a token is needed; open the address that the command printed, with its token")


class TooLarge(Exception):
    """A body that goes on beyond what is allowed."""


def _bounded(receive: Receive) -> Receive:
    """Bodies that do not say how long they are end here, too."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > LARGEST:
            raise TooLarge
        return message

    return bounded


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": [*message.get("headers", []), *ours]}
        await send(message)

    return sent


async def _tell(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence, "kept": False}).encode()
    await _send(send, status, body, {"content-type": "application/json"})


async def _send(send: Send, status: int, body: bytes, more: dict[str, str]) -> None:
    headers = {**HEADERS, "content-length": str(len(body)), "cache-control": "no-store", **more}
    told = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body})
