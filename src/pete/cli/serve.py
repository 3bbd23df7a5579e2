"""pete serve: a run's model for every program that speaks OpenAI's protocol."""

from typing import Annotated

import typer

from pete.cli.console import RunArgument, SetOption


def serve(
    run: RunArgument = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="where clients find it; 0 is any free one")] = 11435,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="127.0.0.1 is this machine only")] = "127.0.0.1",
    cors: Annotated[
        list[str] | None, typer.Option("--cors", metavar="ORIGIN", help="let web pages of this origin ask, e.g. http://localhost:3000")
    ] = None,
    set_: SetOption = None,
) -> None:
    """Serve a tuned model to programs that speak OpenAI's protocol, with a key, on this machine only. Ctrl-C ends it."""
    from pete.app.serve import example, open_server
    from pete.cli.console import console
    from pete.cli.notify import ScreenNotify
    from pete.run import RunDir

    screen = console(quiet=True)
    with ScreenNotify(screen) as notify:
        serving = open_server(RunDir.find(run), notify, host, port, cors or [], set_ or [])
        notify.message(f"{serving.name} is served at {serving.url}/v1", "title")
        if serving.new_key:
            notify.message(f"key:   {serving.key}   (shown this once)")
        notify.message(f"in:    {serving.key_file}")
        notify.message(f"model: {serving.name}, and {serving.name}:rewrite for drafts")
        notify.message(f"try:   {example(serving)}")
        notify.message("Ctrl-C ends it.")
        serving.server.run()
