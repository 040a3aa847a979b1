"""The studio's guard, around an application that answers everything: who gets through, and what does not."""

import asyncio

import pytest

from vocalise.apps.studio import guard
from vocalise.apps.studio.guard import COOKIE, Guard, House

NAME = b"127.0.0.1:7860"


def page_of(body: bytes, kind: bytes = b"text/html"):
    """An application that takes everything in and answers with this."""
    seen = []

    async def app(scope, receive, send):
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
        seen.append(scope)
        length = str(len(body)).encode()
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", kind), (b"content-length", length)],
            }
        )
        await send({"type": "http.response.body", "body": body})

    app.seen = seen
    return app


@pytest.fixture
def house(tmp_path):
    return House(frozenset({NAME.decode(), "localhost:7860"}), "", tmp_path, 1000)


def asked(app, path="/en/", *, method="GET", headers=(), body=(b"",), query=b"", host=NAME):
    """The status, headers and body of an answer."""
    parts, sent = list(body), []

    async def receive():
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": [(b"host", host), *headers],
    }
    asyncio.run(app(scope, receive, send))
    whole = b"".join(one.get("body", b"") for one in sent if one["type"] == "http.response.body")
    return sent[0]["status"], dict(sent[0]["headers"]), whole


def test_a_visitor_gets_the_page_with_a_policy_and_no_outside_address(house):
    metas = b'<meta property="og:image" content="https://example.org/x.jpg"/><meta name="twitter:card" content="x" />'
    body = b"<head>" + metas + b"</head>"
    status, headers, page = asked(Guard(page_of(body), house))
    assert status == 200 and page.startswith(b"<head><script>") and page.endswith(b"</script></head>")
    assert b"example.org" not in page and b'"en"' in page
    assert headers[b"content-length"] == str(len(page)).encode()
    assert (
        b"default-src 'self'" in headers[b"content-security-policy"]
        and headers[b"x-content-type-options"] == b"nosniff"
    )


@pytest.mark.parametrize(
    "host", [b"evil.example", b"evil.example:7860", b"127.0.0.1:80", b"", b"127.0.0.1.evil.example:7860"]
)
def test_a_foreign_name_is_refused(house, host):
    app = page_of(b"")
    assert asked(Guard(app, house), host=host)[0] == 403 and app.seen == []


@pytest.mark.parametrize(
    "origin", [b"http://evil.example", b"null", b"http://127.0.0.1:8000", b"https://127.0.0.1:7860.evil.example"]
)
@pytest.mark.parametrize("path", ["/en/gradio_api/queue/join", "/en/gradio_api/upload", "/files/songs/a.wav"])
def test_a_request_from_another_page_is_refused(house, origin, path):
    app = page_of(b"")
    assert asked(Guard(app, house), path, method="POST", headers=[(b"origin", origin)])[0] == 403 and app.seen == []


@pytest.mark.parametrize("site", [b"cross-site", b"same-site"])
def test_another_page_cannot_embed_or_fetch_anything(house, site):
    headers = [(b"sec-fetch-site", site), (b"sec-fetch-dest", b"image")]
    assert asked(Guard(page_of(b""), house), "/files/songs/a.wav", headers=headers)[0] == 403
    assert (
        asked(Guard(page_of(b""), house), headers=[(b"sec-fetch-site", site), (b"sec-fetch-dest", b"document")])[0]
        == 200
    )


def test_its_own_page_may_ask(house):
    headers = [(b"origin", b"http://" + NAME), (b"sec-fetch-site", b"same-origin")]
    assert asked(Guard(page_of(b""), house), "/en/gradio_api/queue/join", method="POST", headers=headers)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/en/gradio_api/proxy=https://example.org",
            "/en/gradio_api/component_server",
            "/monitoring",
            "/docs",
            "/en/login",
        ),
        *(
            "/en/gradio_api/call/x",
            "/en/gradio_api/run/predict",
            "/en/gradio_api/vibe-edit",
            "/en/gradio_api/process_recording",
        ),
        *("/en/gradio_api/file/etc/passwd", "/fr/", "/en/assets/../../x?", "/files/", "/en/gradio_api/mcp/sse"),
    ],
)
def test_doors_that_the_page_does_not_need_are_shut(house, path):
    app = page_of(b"")
    assert asked(Guard(app, house), path)[0] == 404 and app.seen == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(house, method):
    assert asked(Guard(page_of(b""), house), method=method)[0] == 404


@pytest.mark.parametrize(
    "file",
    ["/etc/passwd", "{}/../secret", "http://example.org/x", "%2Fetc%2Fpasswd", "relative", "{}/../../etc/passwd"],
)
def test_files_that_were_not_uploaded_are_not_for_the_page(house, file):
    path = "/en/gradio_api/file=" + file.format(house.uploads)
    assert asked(Guard(page_of(b""), house), path)[0] == 403
    assert asked(Guard(page_of(b""), house), f"/en/gradio_api/file={house.uploads}/a.wav")[0] == 200


def test_an_upload_that_says_it_is_too_large_is_refused_before_it_comes(house):
    app = page_of(b"")
    headers = [(b"content-length", str(3 << 30).encode())]
    assert (
        asked(Guard(app, house), "/en/gradio_api/upload", method="POST", headers=headers)[0] == 413 and app.seen == []
    )


def test_an_upload_that_lies_about_its_size_is_cut_off(house):
    body = [b"x" * 400] * 4
    assert asked(Guard(page_of(b""), house), "/en/gradio_api/upload", method="POST", body=body)[0] == 413
    assert asked(Guard(page_of(b""), house), "/en/gradio_api/upload", method="POST", body=body[:2])[0] == 200


def test_what_brings_no_file_must_be_small(house):
    headers = [(b"content-length", str(guard.BODY + 1).encode())]
    assert asked(Guard(page_of(b""), house), "/en/gradio_api/queue/join", method="POST", headers=headers)[0] == 413


def test_of_two_hundred_uploads_at_once_few_are_taken_and_all_are_answered(house):
    gate, statuses = asyncio.Event(), []

    async def slow(scope, receive, send):
        await gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def everybody():
        door = Guard(slow, house)

        async def one():
            async def receive():
                return {"type": "http.request", "body": b""}

            async def send(message):
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            scope = {
                "type": "http",
                "method": "POST",
                "path": "/en/gradio_api/upload",
                "query_string": b"",
                "headers": [(b"host", NAME)],
            }
            await door(scope, receive, send)

        waiting = [asyncio.ensure_future(one()) for _ in range(200)]
        while len(statuses) < 200 - guard.UPLOADS:
            await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*waiting)
        await one()  # and afterwards there is room again

    asyncio.run(everybody())
    assert statuses.count(503) == 200 - guard.UPLOADS and statuses.count(200) == guard.UPLOADS + 1


def test_a_full_disk_takes_no_more(house, monkeypatch):
    monkeypatch.setattr(guard, "SPARE", 1 << 62)
    assert asked(Guard(page_of(b""), house), "/en/gradio_api/upload", method="POST")[0] == 507


def test_with_a_token_nobody_enters_without_it(tmp_path):
    door = Guard(page_of(b""), House(frozenset(), "secret", tmp_path, 1000))
    assert asked(door)[0] == 401
    assert asked(door, headers=[(b"cookie", f"{COOKIE}=guess".encode())])[0] == 401
    assert asked(door, query=b"token=guess")[0] == 401
    status, headers, _ = asked(door, "/", query=b"token=secret")
    assert status == 303 and headers[b"location"] == b"/" and b"HttpOnly; SameSite=Strict" in headers[b"set-cookie"]
    cookie = headers[b"set-cookie"].split(b";")[0]
    assert asked(door, headers=[(b"cookie", cookie)])[0] == 200
    assert asked(door, method="POST", headers=[(b"cookie", cookie), (b"origin", b"http://evil.example")])[0] == 403


def test_headers_of_proxies_are_not_believed(house):
    app = page_of(b"")
    asked(
        Guard(app, house),
        headers=[(b"x-forwarded-host", b"evil.example"), (b"X-Forwarded-Proto", b"https"), (b"accept-encoding", b"br")],
    )
    assert [key for key, _ in app.seen[0]["headers"]] == [b"host"]
