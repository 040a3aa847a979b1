"""`vocalise studio`: one page on one's own machine that does the whole work."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vocalise.apps.console import in_one_line, say, show

if TYPE_CHECKING:
    from vocalise.apps.studio.serving import Address
    from vocalise.apps.studio.studio import Studio


@in_one_line("The studio is closed. Work that is under way goes on; open the studio again to see it.")
def studio(
    workspace: Annotated[
        Path, typer.Option(help="Folder for everything that the studio keeps; made where there is none.")
    ] = Path("vocalise-studio"),
    port: Annotated[int, typer.Option(help="Where to listen, 0 for any free port.")] = 7860,
    host: Annotated[
        str, typer.Option(help="127.0.0.1: this machine only. Anything else asks visitors for a token.")
    ] = "127.0.0.1",
    token: Annotated[bool, typer.Option("--token", help="Ask for a token on this machine too.")] = False,
    upload: Annotated[int, typer.Option(help="MB that may be uploaded at a time.")] = 1000,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Open the studio: a page in the browser to convert, record, check, train and evaluate. All stays here."""
    from vocalise.apps.studio.serving import serve
    from vocalise.errors import ConfigError

    if not 1 <= upload <= 100_000:
        raise ConfigError(f"--upload {upload}: choose 1 to 100000 MB.")
    if not 0 <= port < 1 << 16:
        raise ConfigError(f"--port {port}: choose 0 to 65535.")

    def ready(address: "Address", opened: "Studio") -> None:
        say(f"Everything that the studio keeps is in {opened.space.folder}")
        if address.token:
            say("Whoever has this address can use the studio: pass it on with care, and over networks you trust.")
        show(f"The studio is open: {address.url}")
        say("Ctrl-C closes it.")
        if open_browser:
            import webbrowser

            webbrowser.open(address.url)

    serve(workspace, host=host, port=port, token=token, most=upload * 1_000_000, ready=ready)
