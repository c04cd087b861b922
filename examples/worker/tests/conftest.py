"""A worker for each test, with the handler that its marker names."""

import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DEFAULT = "function.handler.handle"
READY = re.compile(r" at (http://[\d.:]+), described")


class Response:
    def __init__(self, status_code: int, text: str):
        self.status_code = status_code
        self.text = text

    def json(self):
        return json.loads(self.text)


class TestClient:
    """Runs ``mesh serve``; as a context manager, so that the handler is loaded when the first request is made."""

    __test__ = False

    def __init__(self, handler: str):
        # The command may have arguments: `node dist/apps/cli/src/main.js`.
        self._command = os.environ.get("MESH", "mesh").split() + ["serve", handler, "--port", "0"]

    def __enter__(self):
        self._worker = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for line in self._worker.stdout:
            if found := READY.search(line):
                self._url = found[1]
                return self
        raise RuntimeError(f"the worker ended with code {self._worker.wait()}")

    def __exit__(self, *_):
        self._worker.terminate()
        self._worker.communicate()

    def get(self, path: str) -> Response:
        return self._ask(urllib.request.Request(self._url + path))

    def post(self, path: str, json) -> Response:  # noqa: A002
        return self._ask(
            urllib.request.Request(self._url + path, _text(json).encode(), {"content-type": "application/json"})
        )

    @staticmethod
    def _ask(request) -> Response:
        try:
            with urllib.request.urlopen(request) as answer:
                return Response(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Response(error.code, error.read().decode())


def _text(value) -> str:
    return json.dumps(value)


@pytest.fixture
def client_with_handler(request):
    marker = request.node.get_closest_marker("handler")
    with TestClient(marker.args[0] if marker else DEFAULT) as client:
        yield client
