"""Serving: the studio's pages, in each language, and the files of its workspace, behind the guard, until Ctrl-C.

/        the page in the browser's language        /en  /ko   the page        /files/<room>/…   what is in the workspace
"""

import importlib
import logging
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vocalise.apps.studio.guard import App, Guard, House
from vocalise.apps.studio.studio import Studio
from vocalise.apps.studio.turns import TurnTaken, holding
from vocalise.apps.studio.words import LANGUAGES
from vocalise.errors import ConfigError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
EXTRA = "The studio needs packages that are not installed: pip install 'vocalise[studio]'"
# What the page may fetch from the workspace, and as what; a page of ours runs in a sandbox, as nobody.
TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".wav": "audio/wav",
        ".flac": "audio/flac",
        ".ogg": "audio/ogg",
        ".oga": "audio/ogg",
        ".mp3": "audio/mpeg",
        ".opus": "audio/ogg",
        ".m4a": "audio/mp4",
        ".aif": "audio/aiff",
        ".aiff": "audio/aiff",
        ".png": "image/png",
        ".csv": "text/csv",
        ".json": "application/json",
        ".html": "text/html",
        ".zip": "application/zip",
        ".safetensors": "application/octet-stream",
    }
)
ICON = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="#0a5d94"/></svg>'
SHOWN = frozenset({"audio", "image"})
PARTING = 3  # seconds that answers under way have when the studio is closed
SANDBOX = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src data: blob:; frame-ancestors 'self'"
)


@dataclass(frozen=True)
class Address:
    """Where the studio is to be found."""

    host: str
    port: int
    token: str

    @property
    def url(self) -> str:
        """What to open in a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/" + (f"?token={self.token}" if self.token else "")


def serve(
    folder: Path, *, host: str, port: int, token: bool, most: int, ready: Callable[[Address, Studio], None]
) -> None:
    """Serves a workspace until it is interrupted; work that is under way goes on without it.

    Args:
        folder: the workspace; made where there is none.
        host: the address to listen at; beyond this machine, a token is asked for in any case.
        port: 0 for any that is free.
        token: whether a token is asked for on this machine too.
        most: bytes that may be uploaded at a time.
        ready: called once, when the address is known.

    Raises:
        ConfigError: the extra is not installed, the address is taken, or another studio works in this folder.
    """
    _stay_at_home(folder)
    uvicorn = _uvicorn()
    with _own(folder) as studio, _listening(host, port) as listener:
        address = Address(
            host, listener.getsockname()[1], secrets.token_urlsafe(24) if token or host not in LOOPBACK else ""
        )
        app = guarded(studio, address, most=most)
        ready(address, studio)
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            server_header=False,
            limit_concurrency=400,
            timeout_graceful_shutdown=PARTING,  # an open page holds a connection: Ctrl-C must not wait for its end
        )
        _parting_quietly(uvicorn.Server(config)).run(sockets=[listener])


def _parting_quietly(server: Any) -> Any:
    """The server, silent from Ctrl-C on: that connections of open pages are cut off then is no news."""
    leave = server.handle_exit

    def silently(number: int, frame: Any) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
        leave(number, frame)

    server.handle_exit = silently
    return server


def guarded(studio: Studio, address: Address, *, most: int) -> App:
    """The whole application for an address.

    Raises:
        ConfigError: the extra is not installed.
    """
    try:
        import fastapi
        import gradio
        from fastapi.responses import FileResponse, RedirectResponse, Response
    except ImportError:
        raise ConfigError(f"{EXTRA}.") from None
    from vocalise.apps.studio.page import build, head, style, theme

    app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    def front(request: fastapi.Request) -> Response:
        """Sends a visitor to the page in the browser's language."""
        return RedirectResponse(f"/{preferred(request.headers.get('accept-language', ''))}/", status_code=307)

    def files(address: str, download: bool = False) -> Response:
        """A file of the workspace."""
        try:
            path = studio.space.found(address)
        except ConfigError:
            return Response("There is no such file.\n", 404, media_type="text/plain")
        kind = TYPES.get(path.suffix.lower(), "application/octet-stream")
        away = download or (kind.split("/")[0] not in SHOWN and kind != "text/html")
        headers = {"content-security-policy": SANDBOX, "cache-control": "no-cache"}
        return FileResponse(path, media_type=kind, headers=headers, filename=path.name if away else None)

    def manifest() -> Response:
        """What a browser asks every page of gradio's for."""
        return Response('{"name": "vocalise studio"}', media_type="application/manifest+json")

    def icon() -> Response:
        """A dot."""
        return Response(ICON, media_type="image/svg+xml")

    for place in ("/favicon.ico", *(f"/{language}/favicon.ico" for language in LANGUAGES)):
        app.add_api_route(place, icon, methods=["GET"], response_model=None)
    app.add_api_route("/manifest.json", manifest, methods=["GET"], response_model=None)
    app.add_api_route("/", front, methods=["GET", "HEAD"], response_model=None)
    app.add_api_route("/files/{address:path}", files, methods=["GET", "HEAD"], response_model=None)
    for language in LANGUAGES:
        gradio.mount_gradio_app(
            app,
            build(studio, language),
            f"/{language}",
            footer_links=[],
            run_history=False,
            max_file_size=most,
            show_error=True,
            ssr_mode=False,
            enable_monitoring=False,
            mcp_server=False,
            theme=theme(),
            css=style(),
            head=head(),
        )
    if address.host in LOOPBACK:
        names = frozenset(f"{name}:{address.port}" for name in ("127.0.0.1", "localhost", "[::1]"))
    else:  # it may be called by any name that leads here: the token is what counts
        names = frozenset()
    return Guard(app, House(names, address.token, studio.space.room("uploads"), most))


def preferred(accepted: str) -> str:
    """The language of ours that a browser likes best, from its `Accept-Language`."""
    for part in accepted.split(","):
        language = part.split(";")[0].strip().split("-")[0].lower()
        if language in LANGUAGES:
            return language
    return "en"


def _uvicorn() -> Any:
    try:
        importlib.import_module("gradio")  # is needed a little later
        import uvicorn
    except ImportError as error:
        raise ConfigError(f"{EXTRA} ({error.name} is missing).") from None
    return uvicorn


@contextmanager
def _own(folder: Path) -> Iterator[Studio]:
    """The studio of a folder, which no other studio has open."""
    studio = Studio(folder)
    try:
        with holding(studio.space.folder / ".studio", lambda: False):
            studio.space.sweep()
            yield studio
    except TurnTaken:
        raise ConfigError(
            f"Another studio works in {folder}: use that one, or choose another folder with --workspace."
        ) from None


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            if os.name != "nt":  # there it would let two programs listen at one port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen(128)
            yield listener
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"{host}:{port} cannot be listened at ({error}): choose another --port, or 0 for any that is free."
        ) from None


def _stay_at_home(folder: Path) -> None:
    """Tells everything that might look or write elsewhere not to: before any of it is imported."""
    space = folder.expanduser().resolve()
    quiet = {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_RUN_HISTORY": "False",
        "GRADIO_TEMP_DIR": str(space / "uploads"),
        "GRADIO_EXAMPLES_CACHE": str(space / "cache" / "gradio"),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "VOCALISE_CACHE": str(space / "cache"),
        "MPLCONFIGDIR": str(space / "cache" / "matplotlib"),
    }
    os.environ.update(quiet)
    tempfile.tempdir = None  # asked for anew where it is needed
