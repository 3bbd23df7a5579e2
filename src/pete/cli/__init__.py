"""The command line: one verb a file, thin. Heavy imports stay inside the verbs, so that --help answers at once."""

import os
import sys

import typer

from pete import terminal
from pete.cli import blind, chat, data, doctor, evaluate, install, launchers, monitor, prompts, quickstart, report, resume, test, train
from pete.cli.console import complain
from pete.errors import PeteError, UserError, WorkError

app = typer.Typer(
    name="pete",
    help="Teach a small language model a voice, overnight, on your Mac. Start with: pete quickstart",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("quickstart")(quickstart.quickstart)
app.add_typer(data.app, name="data")
app.command("train")(train.train)
app.command("resume")(resume.resume)
app.command("monitor")(monitor.monitor)
app.command("test")(test.test)
app.command("chat")(chat.chat)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(prompts.app, name="prompts")
app.command("blind")(blind.blind)
app.command("report")(report.report)
app.command("doctor")(doctor.doctor)
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
        code = code or 1
    sys.exit(code)


def _run() -> int:
    try:
        _refuse_bytes(sys.argv[1:])
        app(prog_name="pete")  # not "python -m pete", which nobody typed
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 0
    except PeteError as error:
        complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if getattr(sys.stdout, "failure", None) is not None:  # `main` says so
            return 1
        if error.filename is None:
            raise
        complain(WorkError(f"{error.filename}: {error.strerror}.", "see who may read and write it, and whether its disk has room"))
        return 1
    return 0


def _refuse_bytes(words: list[str]) -> None:
    """What is not UTF-8 could be written into no file of a run."""
    for number, word in enumerate(words, 1):
        if not word.isascii() and any("\udc80" <= character <= "\udcff" for character in word):
            raise UserError(f"Argument {number} is not UTF-8: {os.fsencode(word)!r}.", "type it again; rename a file that is called so")
