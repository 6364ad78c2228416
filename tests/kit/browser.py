"""Pages in headless Chromium, which is started once and shows one page after the other.

A page reports by posting JSON to `/seen`.
"""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import tempfile
from functools import cache
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
NO_BROWSER = "needs chromium; run scripts/install_emulators.sh (Debian; as root)"
TYPES = {".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm"}
# Shows what /next says; the answer is late until there is something.
FRAME = """<!doctype html>
<iframe width="1000" height="1000"></iframe>
<script type="module">
for (;;) document.querySelector('iframe').src = await (await fetch('/next')).text();
</script>
"""


def reported(folder: Path, page: str, patience_s: float = 60) -> Any:
    """What a page of `folder` posts once it has loaded."""
    server = _window()
    server.folders.append(folder)
    server.next.put(f"/{len(server.folders) - 1}/{page}")
    return server.seen.get(timeout=patience_s)


class _Server(ThreadingHTTPServer):
    """Serves folders by their number, and keeps what their pages report."""

    daemon_threads = True

    def __init__(self) -> None:
        self.folders: list[Path] = []
        self.next: Queue[str] = Queue()
        self.seen: Queue[Any] = Queue()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(SimpleHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        number, _, file = self.path.split("?")[0].lstrip("/").partition("/")
        if number.isdigit():
            path = self.server.folders[int(number)] / file
            found = path.read_bytes() if path.is_file() else None
        elif number == "next":
            found = self.server.next.get().encode()
        else:
            found = FRAME.encode()
        kind = TYPES.get(Path(file).suffix if number.isdigit() else ".html", "text/plain")
        self._answer(200 if found is not None else 404, found or b"", kind)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200)
        self.server.seen.put(json.loads(body))

    def _answer(self, status: int, body: bytes = b"", kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@cache
def _window() -> _Server:
    """The server of a Chromium without a window, which ends with this process."""
    assert BROWSER
    server = _Server()
    Thread(target=server.serve_forever, daemon=True).start()
    profile = tempfile.TemporaryDirectory(prefix="lstm-export-", ignore_cleanup_errors=True)
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile.name}"]
    process = subprocess.Popen(
        [BROWSER, *options, f"http://127.0.0.1:{server.server_port}/"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def end() -> None:
        process.terminate()
        process.wait()
        server.server_close()
        profile.cleanup()

    atexit.register(end)
    return server
