"""A scan of the page's server: what does not come from the page is refused, and writes nothing."""

import json
import socket
from contextlib import suppress

import pytest
from page_server import TAB, Page, ask

from aas_plugin.annotator.photos import Photos
from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.annotator.security import LARGEST
from aas_plugin.annotator.serving import serve
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


@pytest.mark.parametrize("path", TRAVERSALS)
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


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "FOO"])
def test_other_methods_are_refused(one, method):
    line, _ = raw(
        one, f"{method} /api/answers HTTP/1.1\r\nHost: 127.0.0.1:{one.port}\r\nConnection: close\r\n\r\n".encode()
    )
    assert line.split()[1] in ("400", "405", "415")
    assert one.request("GET", "/api/answers")[0] == 405


def test_the_page_may_load_nothing_from_elsewhere_and_be_in_no_frame(page):
    _, headers, _ = page().request("GET", "/")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"


def test_an_address_beyond_this_machine_needs_the_token_and_never_says_it(tmp_path, capfd):
    ask(tmp_path / "run", tmp_path / "photos", [(0, 1)])
    queue = QuestionQueue(tmp_path / "run")
    serving = serve(queue, Photos(queue, tmp_path / "photos"), host="0.0.0.0", port=0)
    try:
        one = Page.__new__(Page)
        one.folder, one.url = tmp_path / "run", serving.url
        address, token = serving.url.split("?token=")
        one.port = int(address.rstrip("/").rpartition(":")[2])
        for path in ("/", "/api/state", "/photo/0/256.jpg", "/static/index.html", "/?token=wrong", "/?token="):
            status, headers, _ = one.request("GET", path)
            assert status == 401 and "set-cookie" not in headers
        assert one.request("GET", f"/api/state?token={token}")[0] == 401
        assert one.request("POST", "/api/answers", json.dumps(GIVEN), JSON)[0] == 401
        status, headers, _ = one.request("GET", f"/?token={token}")
        assert status == 303 and headers["location"] == "/"
        assert "HttpOnly" in headers["set-cookie"] and "SameSite=Strict" in headers["set-cookie"]
        cookie = {"Cookie": headers["set-cookie"].split(";")[0]}
        assert one.request("GET", "/", headers=cookie)[0] == 200
        assert one.request("GET", "/", headers={**cookie, "Host": "evil.example"})[0] == 421
        assert one.request("POST", "/api/answers", json.dumps(GIVEN), JSON | cookie)[0] == 200
        assert one.request("GET", "/", headers={"Cookie": "aas-token=x; =;;"})[0] == 401
    finally:
        serving.stop()
    assert token not in "".join(capfd.readouterr())
    assert not any(token.encode() in content for content in files(tmp_path).values())


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
