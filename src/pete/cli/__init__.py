"""The command line: one verb a file, thin. Heavy imports stay inside the verbs, so that --help answers at once."""

import sys

import typer

from pete.cli import blind, chat, data, doctor, evaluate, install, launchers, monitor, prompts, quickstart, report, resume, test, train
from pete.cli.console import complain
from pete.errors import PeteError

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
    try:
        app(prog_name="pete")  # not "python -m pete", which nobody typed
    except PeteError as error:
        complain(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of a pipe went away: `pete ... | head`
        sys.stderr.close()
        sys.exit(1)
