"""Serving the page: one server a folder, in a thread of its own."""

from __future__ import annotations

import socket
import sys
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from aas_plugin.annotator.lock import annotator_lock
from aas_plugin.annotator.photos import Photos
from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.annotator.security import Guard, is_loopback, new_token
from aas_plugin.errors import AasError

if TYPE_CHECKING:
    import uvicorn

PORT = 8765
TRIED = 50
GRACE = 3
"""Seconds in which requests may end that a server is at when it is told to stop."""


class Serving:
    """A server that is at work; `stop` ends it.

    Attributes:
        url: the page's address, with the token where one is needed.
    """

    def __init__(self, server: uvicorn.Server, thread: threading.Thread, url: str, held: ExitStack) -> None:
        self.url = url
        self._server, self._thread, self._held = server, thread, held

    def stop(self) -> None:
        """End the server, after the requests that it is at."""
        self._server.should_exit = True
        self._thread.join(timeout=2 * GRACE)
        self._held.close()


def serve(queue: QuestionQueue, photos: Photos, host: str = "127.0.0.1", port: int | None = None) -> Serving:
    """Serve the page of a queue.

    Args:
        queue: what is asked.
        photos: of its images.
        host: address to listen at; one beyond this machine makes a token.
        port: to listen at; None for `PORT`, or the next one that is free, and 0 for any.

    Raises:
        AasError: another server has the folder, or it cannot listen there.
    """
    import uvicorn

    from aas_plugin.annotator.app import make_app

    with ExitStack() as held:
        listening = held.enter_context(_listen(host, port))
        number = listening.getsockname()[1]
        token = None if is_loopback(host) else new_token()
        place = f"http://{_shown_host(host)}:{number}/"
        held.enter_context(annotator_lock(queue.folder, place))
        held.callback(photos.close)
        app = Guard(make_app(queue, photos), host, number, token)
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="off",
            timeout_keep_alive=60,
            timeout_graceful_shutdown=GRACE,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="page", daemon=True)
        thread.start()
        while not server.started:
            if not thread.is_alive():
                raise AasError(f"the page's server did not start at {place}; see the lines above")
            time.sleep(0.01)
        url = place if token is None else f"{place}?token={token}"
        return Serving(server, thread, url, held.pop_all())


def _listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens.

    Raises:
        AasError: the address is none of this machine, or its port is taken.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no name of a machine is like that"
        raise AasError(f"--host {host!r} is no address ({why}); 127.0.0.1 is this machine") from error
    wanted = [port] if port is not None else range(PORT, PORT + TRIED)
    trouble: OSError | None = None
    for number in wanted:
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            if sys.platform != "win32":  # where it would let two servers have one port
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address[0], number, *address[2:]))
            made.listen(128)
            return made
        except OSError as error:
            made.close()
            trouble = error
    assert trouble is not None  # at least one port was tried
    where = f"port {port}" if port is not None else f"ports {PORT} to {PORT + TRIED - 1}"
    raise AasError(
        f"{where} of {host} cannot be used ({trouble.strerror}); give another --port, or 0 for any that is free"
    ) from trouble


def _shown_host(host: str) -> str:
    """The host of an address that a browser can open."""
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
