"""`vocalise doctor`: what is installed here, which sampler sings, and why: all that a bug report needs."""

from vocalise.apps.console import in_one_line, show


@in_one_line("Nothing was changed.")
def doctor() -> None:
    """Tell versions, device, processor, sampler, extras and folders, for a bug report; `check` looks at recordings."""
    from vocalise.apps.installation import lines

    for line in lines():
        show(line)
