"""A scan of the page's server: what does not come from the page is refused, and writes nothing."""

import json
import logging
import shutil
import socket
import threading
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from page_server import TAB, Page, ask

from aas_plugin.annotator.photos import Photos
from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.annotator.security import LARGEST
from aas_plugin.annotator.serving import PORT, serve
from aas_plugin.errors import AasError

JSON = {"Content-Type": "application/json"}
GIVEN = {"id": "f" * 16, "person": "Ada", "tab": TAB, "pair": "0-1", "decision": "same"}


def files(folder):
    """All that lies in a folder, but what says who is at it."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name[0] != "."}


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A server that is only asked for what it refuses."""
    folder = tmp_path_factory.mktemp("scan")
    ask(folder / "run", folder / "photos", [(0, 1), (1, 2)])
    page = Page(folder / "run", folder / "photos")
    yield page
    page.serving.stop()


def raw(page, request, headers="", body=b""):
    """The first line of what is answered to bytes as they are, and all of it."""
    text = f"{request} HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nConnection: close\r\n{headers}\r\n"
    told = b""
    with socket.create_connection(("127.0.0.1", page.port), timeout=10) as line, suppress(ConnectionError):
        line.sendall(text.encode() + body)
        while part := line.recv(65536):
            told += part
    return told.split(b"\r\n")[0].decode(), told


TRAVERSALS = [
    "/static/../app.py",
    "/static/..%2fapp.py",
    "/static/%2e%2e/app.py",
    "/static/..%5capp.py",
    "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/photo/../../etc/passwd",
    "/photo/..%2f..%2fpending.jsonl",
    "/photo/0/..%2f..%2f..%2fpending.jsonl.jpg",
    "/photo/0/../1600.jpg/../../../answers.jsonl",
    "/photo/-1/1600.jpg",
    "/photo/99/1600.jpg",
    "/photo/99999999999999999999999/1600.jpg",
    f"/photo/{'9' * 5000}/1600.jpg",
    "/photo/%D9%A0/1600.jpg",
    "/photo/0x0/1600.jpg",
    "/photo/who%2f00.jpg/1600.jpg",
    "/photo/0/9999.jpg",
    "/photo/0/full%00.jpg",
    "/matches/..%2f0-1.jpg?person=Ada",
    "/matches/0-99.jpg?person=Ada",
    "/../pending.jsonl",
    "/pending.jsonl",
    "/api/../pending.jsonl",
    "//etc/passwd",
]


@pytest.mark.parametrize("path", TRAVERSALS, ids=lambda path: path[:40])
def test_nothing_but_the_page_and_photos_of_the_list_is_given(one, path):
    line, told = raw(one, f"GET {path}")
    assert line.split()[1] in ("400", "404", "410", "422"), line
    assert b"root:" not in told and b'"kind": "over"' not in told and b"def make_app" not in told


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1.evil.example:{port}"},
        {"Host": "localhost:1"},
        {"Host": "8.8.8.8:{port}"},
        {"Host": "user@127.0.0.1:{port}"},
        {"Host": ""},
        {"Host": "127.0.0.1:{port}/x"},
        {"Host": "127.0.0.1:{port}?x"},
        {"Host": "127.0.0.1:{port}#x"},
        {"Host": "local\thost:{port}"},
        {"Host": "[127.0.0.1]:{port}, evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1:{port}.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": ""},
    ],
    ids=str,
)
def test_posts_of_other_sites_and_names_are_refused_and_write_nothing(one, headers):
    before = files(one.folder)
    given = JSON | {name: value.format(port=one.port) for name, value in headers.items()}
    status, _, body = one.request("POST", "/api/answers", json.dumps(GIVEN), given)
    assert status in (400, 403, 415, 421) and b"error" in body
    assert files(one.folder) == before
    if "Content-Type" not in headers:
        assert one.request("GET", "/api/state", headers=given)[0] in (400, 403, 421)


def test_two_hosts_and_two_lengths_are_refused(one):
    kind = "Content-Type: application/json\r\n"
    for more in ("Host: evil.example\r\nContent-Length: 2\r\n", "Content-Length: 2\r\nContent-Length: 3\r\n"):
        line, _ = raw(one, "POST /api/answers", kind + more, b"{}")
        assert line.split()[1] in ("400", "421")
    assert one.log() == []


MALFORMED = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b"\xff\xfe",
    b'{"person": NaN}',
    b"[" * 30_000,
    b'{"a":' * 10_000,
    json.dumps({**GIVEN, "more": 1}).encode(),
    json.dumps({**GIVEN, "decision": "maybe"}).encode(),
    json.dumps({**GIVEN, "decision": ["same"]}).encode(),
    json.dumps({**GIVEN, "id": "../../x"}).encode(),
    json.dumps({**GIVEN, "id": "F" * 16}).encode(),
    json.dumps({**GIVEN, "id": 5}).encode(),
    json.dumps({**GIVEN, "pair": "0-1-2"}).encode(),
    json.dumps({**GIVEN, "pair": "0-0"}).encode(),
    json.dumps({**GIVEN, "pair": "0-" + "9" * 40}).encode(),
    json.dumps({**GIVEN, "pair": "٠-١"}).encode(),
    json.dumps({**GIVEN, "pair": "0-01"}).encode(),
    json.dumps({**GIVEN, "decision": "cannot_tell", "reason": "set aside"}).encode(),
    json.dumps({**GIVEN, "decision": "cannot_tell", "reason": "a\x1b[2Jb"}).encode(),
    json.dumps({**GIVEN, "decision": "cannot_tell", "reason": "\udfff"}).encode(),
    json.dumps({**GIVEN, "decision": "cannot_tell", "reason": "a" * 101}).encode(),
    json.dumps({**GIVEN, "person": ""}).encode(),
    json.dumps({**GIVEN, "person": " \t "}).encode(),
    json.dumps({**GIVEN, "person": "a\nb"}).encode(),
    json.dumps({**GIVEN, "person": "a\x00b"}).encode(),
    json.dumps({**GIVEN, "person": "a" * 61}).encode(),
    json.dumps({**GIVEN, "person": "\ud800"}).encode(),
    json.dumps({**GIVEN, "person": {"$ne": 1}}).encode(),
    json.dumps({**GIVEN, "replaces": "nobody"}).encode(),
    json.dumps({name: value for name, value in GIVEN.items() if name != "tab"}).encode(),
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_not_as_it_must_be_is_one_sentence_and_writes_nothing(one, body):
    before = files(one.folder)
    status, _, told = one.request("POST", "/api/answers", body, JSON)
    assert 400 <= status < 500
    assert json.loads(told)["error"] and b"Traceback" not in told and json.loads(told)["kept"] is False
    assert files(one.folder) == before


def test_what_is_too_large_is_refused_also_where_its_length_is_not_said(one):
    large = b'{"person": "' + b"a" * LARGEST + b'"}'
    assert one.request("POST", "/api/answers", large, JSON)[0] == 413
    kind = "Content-Type: application/json\r\n"
    chunk = b"%x\r\n%s\r\n" % (32 * 1024, b" " * 32 * 1024)
    line, _ = raw(one, "POST /api/answers", f"{kind}Transfer-Encoding: chunked\r\n", 3 * chunk + b"0\r\n\r\n")
    assert line.split()[1] == "413"
    long, _ = raw(one, "GET /" + "a" * 200_000)
    assert long == "" or long.split()[1][0] == "4"
    assert one.log() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD", "FOO", "post"])
def test_other_methods_are_refused(one, method):
    before = files(one.folder)
    body = json.dumps(GIVEN).encode()
    headers = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    line, _ = raw(one, f"{method} /api/answers", headers, body)
    assert line.split()[1] == "405"
    assert raw(one, f"{method} /photo/0/256.jpg", headers, body)[0].split()[1] == ("200" if method == "HEAD" else "405")
    assert one.request("GET", "/api/answers")[0] == 405
    assert files(one.folder) == before


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "LOCALHOST:{port}", "127.0.0.1", "127.0.0.2:{port}", "[::1]:{port}"]
)
def test_this_machine_by_any_of_its_names_is_let_in(one, host):
    assert one.request("GET", "/api/state", headers={"Host": host.format(port=one.port)})[0] == 200


def test_a_request_that_breaks_off_or_wants_another_protocol_does_no_harm(one):
    told = []
    handler = logging.Handler()
    handler.emit = told.append
    logging.getLogger("uvicorn.error").addHandler(handler)
    try:
        head = f"POST /api/answers HTTP/1.1\r\nHost: 127.0.0.1:{one.port}\r\nContent-Type: application/json\r\n"
        for rest in ("", "Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n5\r\n{"):
            with socket.create_connection(("127.0.0.1", one.port), timeout=10) as line:
                line.sendall((head + rest).encode())
        upgrade = (
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAA\r\nSec-WebSocket-Version: 13\r\n"
        )
        assert "101" not in raw(one, "GET /api/state", upgrade)[0]
        # Whatever broke off was seen by the time that a later request was answered twice.
        assert [one.get("/api/state")[0] for _ in range(2)] == [200, 200]
    finally:
        logging.getLogger("uvicorn.error").removeHandler(handler)
    assert told == [] and one.log() == []


def test_a_failure_of_the_server_is_one_sentence_without_its_inside(page, monkeypatch):
    one = page()

    def fail():
        raise RuntimeError("what only the terminal may say")

    monkeypatch.setattr(one.queue, "groups", fail)
    status, _, body = one.request("GET", "/api/groups")
    assert status == 500 and b"nothing was kept" in body
    assert b"only the terminal" not in body and b"Traceback" not in body
    assert one.get("/api/state")[0] == 200


def test_the_page_may_load_nothing_from_elsewhere_and_be_in_no_frame(one):
    for path in ("/", "/static/index.html", "/api/state", "/photo/0/256.jpg", "/nothing"):
        _, headers, _ = one.request("GET", path)
        rules = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
        assert rules["default-src"] == rules["frame-ancestors"] == "'none'"
        assert {rules[f"{kind}-src"] for kind in ("script", "style", "img", "connect")} == {"'self'"}
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"


def test_what_changes_is_asked_for_anew(one):
    kept = {path: one.request("GET", path)[1]["cache-control"] for path in ("/api/state", "/photo/0/256.jpg")}
    assert set(kept.values()) == {"no-store"}
    # Parts of the page of two versions of this package would not fit together.
    status, headers, _ = one.request("GET", "/static/index.html")
    assert headers["cache-control"] == "no-cache"
    again = one.request("GET", "/static/index.html", headers={"If-None-Match": headers["etag"]})
    assert (status, again[0], again[1]["cache-control"]) == (200, 304, "no-cache")


class Beyond:
    """A server that is reached from beyond this machine, and what a browser keeps of it."""

    def __init__(self, folder):
        ask(folder / "run", folder / "photos", [(0, 1)])
        queue = QuestionQueue(folder / "run")
        self.serving = serve(queue, Photos(queue, folder / "photos"), host="0.0.0.0", port=0)
        address, self.token = self.serving.url.split("?token=")
        self.port = int(address.rstrip("/").rpartition(":")[2])

    request = Page.request

    def cookie(self):
        """What is kept after the address was opened."""
        status, headers, body = self.request("GET", f"/?token={self.token}")
        assert status == 200 and b"url=/" in body and self.token.encode() not in body
        assert "HttpOnly" in headers["set-cookie"] and "SameSite=Strict" in headers["set-cookie"]
        return headers["set-cookie"].split(";")[0]


@pytest.fixture
def beyond(tmp_path):
    """Makes servers that are reached from beyond this machine, and ends them."""
    made = []

    def make(name="one"):
        made.append(Beyond(tmp_path / name))
        return made[-1]

    yield make
    for one in made:
        one.serving.stop()


def test_an_address_beyond_this_machine_needs_the_token_and_never_says_it(beyond, tmp_path, capfd):
    one = beyond()
    for path in (
        "/",
        "/api/state",
        "/photo/0/256.jpg",
        "/static/index.html",
        "/?token=wrong",
        "/?token=",
        "/?token=%ff",
    ):
        status, headers, _ = one.request("GET", path)
        assert status == 401 and "set-cookie" not in headers
    assert one.request("GET", f"/api/state?token={one.token}")[0] == 401
    assert one.request("POST", "/api/answers", json.dumps(GIVEN), JSON)[0] == 401
    cookie = {"Cookie": one.cookie()}
    assert one.request("GET", "/", headers=cookie)[0] == 200
    assert one.request("GET", "/", headers={**cookie, "Host": "evil.example"})[0] == 421
    for host in (socket.gethostname(), f"192.0.2.7:{one.port}", f"{socket.gethostname().partition('.')[0]}.local"):
        assert one.request("GET", "/api/state", headers={**cookie, "Host": host})[0] == 200
    assert one.request("POST", "/api/answers", json.dumps(GIVEN), JSON | cookie)[0] == 200
    for wrong in (f"aas-token-{one.port}=x; =;;", f"aas-token-{one.port}=", "\xff", f"other={one.token}"):
        assert one.request("GET", "/", headers={"Cookie": wrong})[0] == 401
    assert one.token not in "".join(capfd.readouterr())
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert written and not any(one.token.encode() in content for content in written)


def test_two_servers_of_one_machine_do_not_put_each_other_out(beyond):
    one, other = beyond("one"), beyond("other")
    # A browser keeps the cookies of a machine for all its ports.
    kept = dict(part.split("=", 1) for part in (one.cookie(), other.cookie()))
    kept = {"Cookie": "; ".join(f"{name}={value}" for name, value in kept.items())}
    assert (
        one.request("GET", "/api/state", headers=kept)[0] == other.request("GET", "/api/state", headers=kept)[0] == 200
    )


def test_a_link_with_the_token_in_a_mail_lets_a_browser_in(beyond):
    sync_api = pytest.importorskip("playwright.sync_api")
    if shutil.which("chromium") is None:
        pytest.skip("no chromium here")
    one = beyond()
    link = f'<a href="http://127.0.0.1:{one.port}/?token={one.token}">the page</a>'.encode()

    class Mail(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(link)

        def log_message(self, *_):
            pass

    mail = HTTPServer(("127.0.0.1", 0), Mail)
    threading.Thread(target=mail.serve_forever, daemon=True).start()
    try:
        with sync_api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            tab = browser.new_page()
            tab.goto(f"http://localhost:{mail.server_port}/")
            tab.click("a")
            tab.wait_for_url(f"http://127.0.0.1:{one.port}/")
            assert tab.evaluate("fetch('/api/state').then((told) => told.status)") == 200
            assert one.token not in tab.url
            browser.close()
    finally:
        mail.shutdown()
        mail.server_close()


def test_a_second_server_and_a_port_that_is_taken_are_told(page, tmp_path):
    one = page()
    queue = QuestionQueue(one.folder)
    with pytest.raises(AasError, match=rf"being answered already \(http://127\.0\.0\.1:{one.port}/\)"):
        serve(queue, Photos(queue, one.photos), port=0)
    ask(tmp_path / "other", one.photos, [(0, 1)])
    other = QuestionQueue(tmp_path / "other")
    with pytest.raises(AasError, match=rf"port {one.port} of 127\.0\.0\.1 cannot be used .*another --port"):
        serve(other, Photos(other, one.photos), port=one.port)
    with pytest.raises(AasError, match="is no address"):
        serve(other, Photos(other, one.photos), host="no such host", port=0)
    # Nothing is held by a server that did not start.
    serve(other, Photos(other, one.photos), port=0).stop()
    with pytest.raises(AasError, match="is no address"):
        serve(other, Photos(other, one.photos), host="a" * 70 + ".example", port=0)


def test_without_a_port_the_next_free_one_is_taken(page, tmp_path):
    ask(tmp_path / "other", tmp_path / "photos", [(0, 1)])
    queue = QuestionQueue(tmp_path / "other")
    with socket.socket() as taken, suppress(OSError):
        taken.bind(("127.0.0.1", PORT))
        taken.listen()
        serving = serve(queue, Photos(queue, tmp_path / "photos"))
        serving.stop()
        assert PORT < int(serving.url.rstrip("/").rpartition(":")[2]) < PORT + 50


def test_the_other_kind_of_addresses(tmp_path):
    ask(tmp_path / "run", tmp_path / "photos", [(0, 1)])
    queue = QuestionQueue(tmp_path / "run")
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    serving = serve(queue, Photos(queue, tmp_path / "photos"), host="::1", port=0)
    try:
        assert serving.url.startswith("http://[::1]:") and "token" not in serving.url
        port = int(serving.url.rstrip("/").rpartition(":")[2])
        connection = HTTPConnection("::1", port, timeout=10)
        connection.request("GET", "/api/state")
        assert connection.getresponse().status == 200
    finally:
        serving.stop()
