"""The studio as it is served, with gradio but without a browser: attacked by a program on the same machine."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.apps.test_studio_workspace import HTML, beep

pytest.importorskip("gradio")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")]

NAME = "127.0.0.1:7860"
UPLOAD = "/en/gradio_api/upload"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The application, and its workspace; secrets lie beside it."""
    from vocalise.apps.studio import serving
    from vocalise.apps.studio.studio import Studio

    folder = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving.os, "environ", dict(serving.os.environ))
        serving._stay_at_home(folder / "space")
        patch.setenv("GRADIO_TEMP_DIR", str((folder / "space" / "uploads").resolve()))
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        (folder / "secret.txt").write_text("secret")
        studio = Studio(folder / "space")
        beep(studio.space.room("songs") / "a.wav")
        yield serving.guarded(studio, serving.Address("127.0.0.1", 7860, ""), most=1 << 20), studio.space


def asked(app, *requests):
    """Answers to requests that are made at once: (method, path, more)."""
    import httpx

    async def everything():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{NAME}") as client:
            return await asyncio.gather(*(client.request(method, path, **more) for method, path, more in requests))

    return asyncio.run(everything())


def everything_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_names_no_address_outside(house, language):
    (page,) = asked(house[0], ("GET", f"/{language}/", {}))
    assert page.status_code == 200 and f'lang="{language}"' in page.text
    fetched = re.findall(r"""(?:src|href)=["'](https?:)?//[^"']+""", page.text)
    assert fetched == [] and "googleapis" not in page.text and "cdn" not in page.text.lower().replace("cdnn", "")
    (style,) = asked(house[0], ("GET", f"/{language}/theme.css", {}))
    assert style.status_code == 200 and "http" not in style.text.replace("http://www.w3.org/2000/svg", "")


def test_the_first_page_is_in_the_browsers_language(house):
    answers = asked(
        house[0],
        *(("GET", "/", {"headers": {"accept-language": one}}) for one in ("ko-KR,ko;q=0.9", "fr,en;q=0.5", "")),
    )
    assert [one.headers["location"] for one in answers] == ["/ko/", "/en/", "/en/"]


def test_files_of_the_workspace_are_served_and_no_others(house):
    app, space = house
    found, hidden, above, job = asked(
        app,
        *(
            ("GET", f"/files/{one}", {})
            for one in ("songs/a.wav", "songs/.x.wav", "songs/%2e%2e/%2e%2e/secret.txt", "jobs/1/job.json")
        ),
    )
    assert found.status_code == 200 and found.content == (space.room("songs") / "a.wav").read_bytes()
    assert found.headers["content-security-policy"].startswith("sandbox")
    assert [one.status_code for one in (hidden, above, job)] == [404, 404, 404]


def test_a_page_of_ours_runs_in_a_sandbox_and_a_voice_is_only_downloaded(house):
    app, space = house
    (space.room("checks") / "x.html").write_bytes(HTML)
    (space.room("voices") / "x.safetensors").write_bytes(b"x")
    page, voice = asked(app, ("GET", "/files/checks/x.html", {}), ("GET", "/files/voices/x.safetensors", {}))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("sandbox") and "allow-same-origin" not in policy and "default-src 'none'" in policy
    assert voice.headers["content-disposition"].startswith("attachment")


def test_an_upload_with_a_wandering_name_stays_inside(house):
    app, space = house
    before = everything_in(space.folder.parent)
    names = ("../../evil.wav", "/evil.wav", "..\\..\\evil.wav", "a/../../evil.wav")
    answers = asked(app, *(("POST", UPLOAD, {"files": {"files": (name, b"x")}}) for name in names))
    assert all(one.status_code in (200, 400) for one in answers)
    new = everything_in(space.folder.parent) - before
    assert all(name.startswith("space/uploads/") for name in new)


def test_a_large_upload_is_refused_and_leaves_nothing(house):
    app, space = house
    before = everything_in(space.folder)
    (answer,) = asked(app, ("POST", UPLOAD, {"files": {"files": ("a.wav", b"x" * (2 << 20))}}))
    assert answer.status_code == 413 and everything_in(space.folder) == before


def test_after_two_hundred_uploads_at_once_it_still_answers(house):
    app, _ = house
    answers = asked(app, *(("POST", UPLOAD, {"files": {"files": (f"{n}.wav", b"x" * 100)}}) for n in range(200)))
    assert {one.status_code for one in answers} <= {200, 503} and any(one.status_code == 200 for one in answers)
    assert asked(app, ("GET", "/en/", {}))[0].status_code == 200


def test_a_path_of_the_machine_is_no_upload(house):
    app, space = house
    (config,) = asked(app, ("GET", "/en/config", {}))
    drop = next(one["id"] for one in config.json()["components"] if one["props"].get("elem_id") == "drop")
    event = next(one for one in config.json()["dependencies"] if [drop, "upload"] in one["targets"])
    before = everything_in(space.folder.parent)
    for path in (str(space.folder.parent / "secret.txt"), "/etc/passwd", "http://127.0.0.1:1/x.wav"):
        data = [[{"path": path, "orig_name": "a.wav", "meta": {"_type": "gradio.FileData"}}], []]
        body = {"data": data, "fn_index": event["id"], "session_hash": "x"}
        asked(app, ("POST", "/en/gradio_api/queue/join", {"json": body}))
        assert asked(app, ("POST", f"/en/gradio_api/run/{event['id']}", {"json": body}))[0].status_code == 404
        (answer,) = asked(app, ("GET", f"/en/gradio_api/file={path}", {}))
        assert answer.status_code == 403
    assert {
        name for name in everything_in(space.folder.parent) - before if "passwd" in name or "secret" in name
    } == set()
    assert space.sounds() == ["songs/a.wav"]


def test_nothing_of_another_page_gets_in(house):
    more = {"headers": {"origin": "http://evil.example"}, "json": {}}
    answers = asked(house[0], *(("POST", f"/{one}/gradio_api/queue/join", more) for one in ("en", "ko")))
    assert [one.status_code for one in answers] == [403, 403]
    assert asked(house[0], ("GET", "/en/", {"headers": {"host": "evil.example"}}))[0].status_code == 403
