"""The guard: what stands between the network and the studio, and lets in only whom and what it should.

    request ──whose name? from which page? token? which door? how large?──▶ studio ──headers, no outside address──▶ page

A page of any web site can send requests to 127.0.0.1 from the browser of whoever looks at it. So a request must name
the studio by its own name (`Host`), must come from its own pages (`Origin`, `Sec-Fetch-Site`), and may use few doors.
"""

import hmac
import re
import shutil
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "vocalise_studio"
BODY = 8 << 20  # bytes of a request that brings no file
UPLOADS = 4  # requests at a time that bring files
SPARE = 1 << 30  # bytes of disk that uploads leave free
PAGES = re.compile(r"/(en|ko)/?")
_DOORS = re.compile(
    r"/|/manifest\.json|/favicon\.ico|/files/.+"
    r"|/(en|ko)(/|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/(assets|static|svelte)/[\w./@-]+"
    r"|/gradio_api/(queue/(join|data)|cancel|reset|heartbeat/\w+|startup-events|upload|upload_progress|info|theme\.css"
    r"|file=.+))?"
)
_METAS = re.compile(rb"<meta\s+(?:property|name)=\"(?:og|twitter):[^>]*>")
_OPENING = (
    '<script>for (const [name, value] of [["language", "{language}"], ["languages", ["{language}"]]]) '
    "Object.defineProperty(navigator, name, {{ get: () => value }});</script>"
)
_FORWARDED = (b"x-forwarded-", b"forwarded", b"x-real-ip", b"x-gradio-", b"x-direct-url")
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; frame-src 'self'; frame-ancestors 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'"
)
_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(self)"),
)


@dataclass(frozen=True)
class House:
    """What the guard knows of the house."""

    names: frozenset[str]  # `host:port` by which it is called; empty where any name will do, since there is a token
    token: str  # empty where none is asked for
    uploads: Path  # where files come to lie
    most: int  # bytes of a request that brings files


class _Refusal(Exception):  # noqa: N818 - it reads as what it says
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class Guard:
    """An ASGI application around another."""

    def __init__(self, app: App, house: House) -> None:
        self._app, self._house = app, house
        self._uploading = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or answers it with a refusal of one line."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks by web sockets
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {key.lower(): value for key, value in scope["headers"]}
        try:
            self._require_name(headers)
            self._require_origin(scope, headers)
            if self._lets_in_by_token(scope):
                await _welcome(scope, send, self._house.token)
                return
            self._require_token(headers)
            self._require_door(scope)
            await self._pass(scope, headers, receive, send)
        except _Refusal as refusal:
            await _refuse(send, refusal.status, refusal.why)

    def _require_name(self, headers: dict[bytes, bytes]) -> None:
        """A foreign name in `Host` means that somebody's page has bent a name of theirs to this machine."""
        if self._house.names and _text(headers.get(b"host")).lower() not in self._house.names:
            raise _Refusal(403, "This is not a name of the studio; open the address that it said when it started.")

    def _require_origin(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        origin, host = _text(headers.get(b"origin")), _text(headers.get(b"host")).lower()
        if origin and re.sub(r"^https?://", "", origin.lower()) != host:
            raise _Refusal(403, "Requests from other pages are refused.")
        site = _text(headers.get(b"sec-fetch-site"))
        visit = scope["method"] == "GET" and _text(headers.get(b"sec-fetch-dest")) == "document"
        if site not in ("", "same-origin", "none") and not visit:
            raise _Refusal(403, "Requests from other pages are refused.")

    def _lets_in_by_token(self, scope: Scope) -> bool:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        return bool(self._house.token and given) and hmac.compare_digest(given.encode(), self._house.token.encode())

    def _require_token(self, headers: dict[bytes, bytes]) -> None:
        if not self._house.token:
            return
        try:
            cookies = SimpleCookie(_text(headers.get(b"cookie")))
        except CookieError:
            cookies = SimpleCookie()
        given = cookies[COOKIE].value if COOKIE in cookies else ""
        if not hmac.compare_digest(given.encode(), self._house.token.encode()):
            raise _Refusal(401, "A token is needed: open the address that the studio said when it started.")

    def _require_door(self, scope: Scope) -> None:
        path = scope["path"]
        if scope["method"] not in ("GET", "HEAD", "POST") or not _DOORS.fullmatch(path):
            raise _Refusal(404, "There is nothing here.")
        _, found, file = path.partition("/gradio_api/file=")
        if found and not _below(self._house.uploads, unquote(file)):
            raise _Refusal(403, "This file is not for the page.")

    async def _pass(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        path = scope["path"]
        page = PAGES.fullmatch(path)
        kept = [(key, value) for key, value in scope["headers"] if not key.lower().startswith(_FORWARDED)]
        # A page that is to be looked through must not come compressed.
        scope["headers"] = [(key, value) for key, value in kept if not (page and key.lower() == b"accept-encoding")]
        brings = scope["method"] == "POST" and path.endswith("/upload")
        most = self._house.most if brings else BODY
        if int(_number(headers.get(b"content-length"))) > most:
            raise _Refusal(413, f"This is too large: {most >> 20} MiB at a time are taken.")
        if brings:
            self._require_room(_number(headers.get(b"content-length")))
        self._uploading += brings
        answer = _Answer(send, page[1] if page else "")
        try:
            await self._app(scope, _counted(receive, most), answer)
        except _Refusal:
            if not answer.begun:
                raise
        finally:
            self._uploading -= brings

    def _require_room(self, length: int) -> None:
        if self._uploading >= UPLOADS:
            raise _Refusal(503, f"{UPLOADS} uploads are under way: try again in a moment.")
        if shutil.disk_usage(self._house.uploads).free < length + SPARE:
            raise _Refusal(507, "The disk is nearly full: make room first.")


class _Answer:
    """Sends an answer on, with our headers; a page is held back until it is whole, and loses outside addresses."""

    def __init__(self, send: Send, language: str) -> None:
        self._send, self._page, self._language = send, bool(language), language
        self._start: Message = {}
        self._body = b""
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            there = {key.lower() for key, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(one for one in _HEADERS if one[0] not in there)]
            self._start = message
            if not self._page:
                await self._send(message)
        elif self._page and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish()
        else:
            await self._send(message)

    async def _finish(self) -> None:
        body = _METAS.sub(b"", self._body)
        # Before any script of the page's: gradio asks the browser, once, which language its own words should have.
        body = body.replace(b"<head>", b"<head>" + _OPENING.format(language=self._language).encode(), 1)
        body = body.replace(b'lang="en"', f'lang="{self._language}"'.encode(), 1)
        plain = [(key, value) for key, value in self._start["headers"] if key.lower() != b"content-length"]
        self._start["headers"] = [*plain, (b"content-length", str(len(body)).encode())]
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": body})


def _counted(receive: Receive, most: int) -> Receive:
    """What comes in, as long as it is not more than was allowed, whatever the header said."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > most:
            raise _Refusal(413, f"This is too large: {most >> 20} MiB at a time are taken.")
        return message

    return counted


async def _welcome(scope: Scope, send: Send, token: str) -> None:
    """Gives whoever came with the token a cookie instead, and takes it out of the address."""
    cookie = f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict"
    where = scope["path"] if PAGES.fullmatch(scope["path"]) else "/"
    headers = [(b"location", where.encode()), (b"set-cookie", cookie.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 303, "headers": [*headers, *_HEADERS]})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(send: Send, status: int, why: str) -> None:
    body = f"{why}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *_HEADERS]})
    await send({"type": "http.response.body", "body": body})


def _below(folder: Path, name: str) -> bool:
    """Whether a path as the page gives it is that of a file in a folder."""
    try:
        return Path(name).is_absolute() and Path(name).resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        return False


def _text(value: bytes | None) -> str:
    return (value or b"").decode("latin-1").strip()


def _number(value: bytes | None) -> int:
    text = _text(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
