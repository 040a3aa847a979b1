"""The studio as a process of its own, attacked over the network by a program on the same machine."""

import http.client
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.apps.test_studio_serving import everything_in
from tests.apps.test_studio_workspace import HTML, beep

pytest.importorskip("gradio")
pytestmark = pytest.mark.slow

PATIENCE = 600.0  # seconds, for a machine that has other work
UPLOAD = "/en/gradio_api/upload"
BORDER = "border"


@dataclass
class Studio:
    """A studio that runs, with a secret beside its workspace."""

    process: subprocess.Popen[str]
    folder: Path
    port: int

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            link.request(method, path, body, {key.replace("_", "-"): value for key, value in headers.items()})
            answer = link.getresponse()
            return answer.status, answer.read()
        except (ConnectionError, http.client.RemoteDisconnected):
            return 0, b""
        finally:
            link.close()

    def upload(self, name: str, content: bytes = b"x") -> int:
        head = f'--{BORDER}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{BORDER}--\r\n".encode()
        return self.ask("POST", UPLOAD, body, content_type=f"multipart/form-data; boundary={BORDER}")[0]

    @property
    def is_up(self) -> bool:
        return self.process.poll() is None and self.ask("GET", "/en/")[0] == 200


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("house")
    (folder / "secret.txt").write_text("secret")
    words = [sys.executable, "-m", "vocalise.apps.cli", "studio", "--workspace", str(folder / "space"), "--port", "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    found = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
    assert found, process.stderr.read()
    beep(folder / "space" / "songs" / "a.wav")
    yield Studio(process, folder, int(found[1]))
    process.kill()
    process.communicate()


def test_three_gigabytes_are_refused_before_they_come(studio: Studio) -> None:
    with socket.create_connection(("127.0.0.1", studio.port), timeout=PATIENCE) as link:
        head = f"POST {UPLOAD} HTTP/1.1\r\nHost: 127.0.0.1:{studio.port}\r\nContent-Length: {3 << 30}\r\n"
        link.sendall(f"{head}Content-Type: multipart/form-data; boundary={BORDER}\r\n\r\n".encode())
        assert link.recv(100).startswith(b"HTTP/1.1 413")
    assert studio.is_up


def test_two_hundred_uploads_at_once_leave_it_standing(studio: Studio) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda n: studio.upload(f"{n}.wav", b"x" * 1000), range(200)))
    assert set(answers) <= {200, 503, 0} and 200 in answers
    assert studio.is_up


@pytest.mark.parametrize("name", ["../../evil.wav", "/evil.wav", "..\\\\..\\\\evil.wav", "%2e%2e/%2e%2e/evil.wav"])
def test_a_name_leads_nowhere_else(studio: Studio, name: str) -> None:
    before = everything_in(studio.folder)
    assert studio.upload(name, HTML) in (200, 400)
    assert all(one.startswith("space/uploads/") for one in everything_in(studio.folder) - before)
    assert studio.is_up


@pytest.mark.parametrize(
    "path",
    [
        *("/files/songs/../../secret.txt", "/files/songs/%2e%2e/%2e%2e/secret.txt", "/files//etc/passwd"),
        *("/en/gradio_api/file=/etc/passwd", "/en/gradio_api/file=../secret.txt", "/files/jobs/1/job.json"),
        *("/en/gradio_api/proxy=http://127.0.0.1:1/", "/en/gradio_api/stream/x/y/z", "/docs", "/openapi.json"),
    ],
)
def test_no_file_of_the_machine_is_given_away(studio: Studio, path: str) -> None:
    status, content = studio.ask("GET", path)
    assert status in (400, 403, 404) and b"secret" not in content and b"root:" not in content


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}, {"sec_fetch_site": "cross-site"}]
)
def test_a_page_of_somebody_else_gets_nothing(studio: Studio, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/en/config"), ("POST", "/en/gradio_api/queue/join"), ("GET", "/files/songs/a.wav")):
        assert studio.ask(method, path, b"{}", **headers)[0] == 403


def test_it_is_closed_at_once_although_a_page_is_open(studio: Studio) -> None:
    """The last of these tests: it ends the studio, which has read and written nothing outside, and said nothing."""
    link = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=PATIENCE)
    link.request("GET", "/en/gradio_api/heartbeat/abc")
    assert link.getresponse().status == 200  # and it goes on for as long as the page is open
    studio.process.send_signal(signal.SIGINT)
    said = studio.process.communicate(timeout=PATIENCE)
    link.close()
    assert studio.process.returncode in (0, 130) and "Traceback" not in said[1]
    assert {one for one in everything_in(studio.folder) if not one.startswith("space/")} == {"secret.txt"}
