"""An MLflow server that hangs, fails or dies: a sentence, an end in reasonable time, and all in the run's folder."""

import http.server
import threading

import faulty
import pytest
from faulty import FULL

from aas_plugin.tracking import mlflow_observer
from aas_plugin.tracking.mlflow_observer import MlflowObserver

pytestmark = pytest.mark.faults


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    asked = 0


def role(kind: str, after: int):
    """A handler that fails from a request of a number on, and before it says that there is nothing."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            self.server.asked += 1
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            if kind == "hangs" and self.server.asked > after:
                self.server.over.wait()
            elif kind == "drops" and self.server.asked > after:
                self.connection.close()
            else:
                text = b"<html>out of order</html>" if kind == "talks nonsense" else b"{}"
                self.send_response(200 if kind == "talks nonsense" else 500)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = answer

        def log_message(self, *_):
            pass

    return Handler


@pytest.fixture
def server(request, monkeypatch):
    made = Server(("127.0.0.1", 0), role(request.param, 0))
    made.over = threading.Event()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{made.server_port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    yield made
    made.over.set()
    made.shutdown()


ROLES = ("hangs", "fails", "drops", "talks nonsense")


@pytest.mark.parametrize("server", ROLES if FULL else ROLES[1:2], indirect=True)
def test_a_server_that_is_none(tmp_path, drawn, unharmed, server):
    ended = faulty.begin(tmp_path, drawn, "--set", "tracking.mlflow=true")
    assert ended.status == 0 and "takes nothing" in ended.said, ended.said
    assert "Traceback" not in ended.said and "Done in" in ended.said
    assert server.asked
    found = faulty.left_by(tmp_path / "runs" / "run")
    assert found | {"config": 0} == unharmed[0] | {"config": 0}
    assert server.asked < 40


@pytest.mark.parametrize("server", ["hangs"], indirect=True)
def test_a_server_that_hangs_is_asked_less_once_patience_is_over(ready, server, monkeypatch, tmp_path):
    asked = []
    for patience in (45.0, 0.0) if FULL else (0.0,):
        monkeypatch.setattr(mlflow_observer, "PATIENCE", patience)
        before = server.asked
        with pytest.warns(UserWarning, match="takes nothing"):
            ready.engine(name=f"run {patience}", observers=(MlflowObserver(tmp_path),)).execute()
        asked.append(server.asked - before)
    # At the start and at the end, and not after each cycle.
    assert asked[-1] == 2
    assert not FULL or asked[0] > 2
