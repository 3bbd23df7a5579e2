"""The command line: one verb a file, thin. Heavy imports stay inside the verbs, so that --help answers at once."""

import errno
import os
import sys

import typer

from pete import terminal
from pete.cli import (
    bench,
    blind,
    chat,
    data,
    doctor,
    evaluate,
    export,
    install,
    launchers,
    monitor,
    persona,
    prompts,
    quickstart,
    report,
    resume,
    rewrite,
    serve,
    test,
    train,
)
from pete.cli.console import complain
from pete.cli.fetch_view import fetches_shown
from pete.cli.listing import Listing
from pete.errors import PeteError, UserError, WorkError

GROUPS = {
    "Start": ("quickstart", "doctor", "bench", "install", "launchers"),
    "Bring your writing": ("persona", "data"),
    "Train": ("train", "resume", "monitor"),
    "Use": ("rewrite", "chat", "test", "serve", "prompts"),
    "Judge": ("evaluate", "blind", "report"),
    "Take along": ("export", "quantize"),
}
"""What one wants to do -> the verbs for it; `pete --help` lists them so."""


class Verbs(Listing):
    """`pete --help`."""

    sections = GROUPS


app = typer.Typer(
    name="pete",
    cls=Verbs,
    help="Teach a small language model a voice, overnight, on your Mac. Start with: pete quickstart",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("quickstart")(quickstart.quickstart)
app.add_typer(persona.app, name="persona")
app.add_typer(data.app, name="data")
app.command("train")(train.train)
app.command("resume")(resume.resume)
app.command("monitor")(monitor.monitor)
app.command("test")(test.test)
app.command("rewrite")(rewrite.rewrite)
app.command("chat")(chat.chat)
app.command("serve")(serve.serve)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(prompts.app, name="prompts")
app.command("blind")(blind.blind)
app.command("report")(report.report)
app.command("export")(export.export)
app.command("quantize")(export.quantize)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)
app.command("install")(install.install)
app.add_typer(launchers.app, name="launchers")


def main() -> None:
    """Run the command line; a failure is a sentence and the next command, never a traceback for what we foresaw."""
    terminal.prepare()
    stdout = sys.stdout
    code = _run()
    listened = not getattr(stdout, "courtesy", False)
    failure = terminal.lost(stdout)
    terminal.lost(sys.stderr)
    if isinstance(failure, BrokenPipeError):  # the reader of a pipe went away: `pete ... | head`; a shell calls that 128 + SIGPIPE
        code = 141 if listened and code in (0, 1) else code
    elif failure is not None:
        complain(WorkError(f"The output could not be written: {failure.strerror}.", "make room there, or send it somewhere else"))
        code = code or (1 if listened else 0)  # the work was done, whoever heard of it
    sys.exit(code)


def _run() -> int:
    try:
        _refuse_what_cannot_be(sys.argv[1:])
        with fetches_shown():
            app(prog_name="pete")  # not "python -m pete", which nobody typed
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 0
    except PeteError as error:
        complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except UnicodeEncodeError as error:  # of a file's name, or out of a file: bytes that are no text
        near = error.object[max(0, error.start - 40) : error.end + 20].encode("utf-8", "backslashreplace").decode()
        complain(
            UserError(f"This is not UTF-8, and cannot be written: {near}", "rename the file or folder that is called so, or mend the text")
        )
        return 2
    except OSError as error:
        if getattr(sys.stdout, "failure", None) is not None:  # `main` says so
            return 1
        if error.filename is None:
            raise
        kind = WorkError if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO) else UserError
        failure = kind(
            f"{error.filename}: {error.strerror}.", "see who may read and write it; PETE_CACHE, PETE_RUNS, HF_HOME name other places"
        )
        complain(failure)
        return failure.exit_code
    return 0


def _refuse_what_cannot_be(words: list[str]) -> None:
    """What is not UTF-8 ends up in paths and files that must be; the first of them may be written after the night."""
    try:
        places = {"The working directory": os.getcwd(), "PETE_RUNS": os.environ.get("PETE_RUNS", ""), "Pete's own folder": __file__}
    except FileNotFoundError:
        raise UserError("The working directory is gone: it was deleted or moved.", "cd to one that is there") from None
    for what, text in (places | {f"Argument {number}": word for number, word in enumerate(words, 1)}).items():
        if any("\udc80" <= character <= "\udcff" for character in text):
            raise UserError(f"{what} is not UTF-8: {os.fsencode(text)!r}.", "type it again, or rename the file or folder that is called so")
