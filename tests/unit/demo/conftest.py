"""The demo is a folder of scripts: put on the path, as by `python config/demo/serve.py`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[3] / "config" / "demo"
sys.path.insert(0, str(DEMO))


@pytest.fixture(scope="session")
def base() -> Iterator[str]:
    """Address of a running demo server."""
    import serve

    server = serve.make_server(0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
