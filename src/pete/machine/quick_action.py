"""The Quick Action of macOS, "Rewrite as Pete": a bundle for the Services menu whose one action is launchers/_rewrite.sh."""

import os
import plistlib
import shlex
import shutil
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from pete.errors import UserError
from pete.machine.launchers import Outcome
from pete.machine.probes import Run, run_program
from pete.resources import PROJECT
from pete.run import write_atomic

NAME = "Rewrite as Pete"
IDENTIFIER = "pete.quick-action.rewrite"
SCRIPT = "_rewrite.sh"
_ACTION = "/System/Library/Automator/Run Shell Script.action"
_IDS = {  # three of its own, always the same: the bundle that is there is then the bundle that would be made
    "UUID": "5C0B7A1E-4D52-4B7F-9A55-6E6F50455401",
    "InputUUID": "5C0B7A1E-4D52-4B7F-9A55-6E6F50455402",
    "OutputUUID": "5C0B7A1E-4D52-4B7F-9A55-6E6F50455403",
}


def command(serve_folder: Path, checkout: Path = PROJECT) -> str:
    """What a shell runs: text on stdin, rewritten text on stdout. The Quick Action has it, and a Shortcut can.

    Args:
        serve_folder: where the server keeps its key and its address.
        checkout: whose script it is.
    """
    script = checkout / "launchers" / SCRIPT
    gone = f"Pete: {script} is gone: in the checkout, ./pete launchers install --quick-action"
    return (
        f"[ -f {shlex.quote(str(script))} ] || {{ echo {shlex.quote(gone)} >&2; exit 1; }}\n"
        f"PETE_SERVE={shlex.quote(str(serve_folder))} exec /bin/sh {shlex.quote(str(script))}\n"
    )


def install(services: Path, serve_folder: Path, checkout: Path = PROJECT, run: Run = run_program) -> Outcome:
    """Put it into ~/Library/Services. A bundle of that name that Pete did not make is never replaced.

    Raises:
        UserError: there is no checkout, or the folder cannot be written.
    """
    if not (checkout / "launchers" / SCRIPT).is_file():
        raise UserError(
            "The Quick Action runs a script of a checkout of Pete, and this Pete was installed without one.",
            "git clone it, then there: ./pete launchers install --quick-action",
        )
    bundle = services / f"{NAME}.workflow"
    files = {name: plistlib.dumps(content) for name, content in _contents(command(serve_folder, checkout)).items()}
    there = os.path.lexists(bundle)
    if there and not _ours(bundle):
        return Outcome(bundle, "left alone: Pete did not make it; move it away, then install again", well=False)
    if there and all((path := bundle / "Contents" / name).is_file() and path.read_bytes() == content for name, content in files.items()):
        return Outcome(bundle, "already there")
    try:
        for name, content in files.items():
            write_atomic(bundle / "Contents" / name, content)
    except OSError as error:
        raise UserError(f"{bundle} cannot be written: {error.strerror}.", f"see who may write {services}") from None
    run(("/System/Library/CoreServices/pbs", "-flush"), 5.0)  # the Services menu looks again
    return Outcome(bundle, "renewed" if there else "installed")


def uninstall(services: Path) -> Outcome:
    """Remove it, if Pete made it.

    Raises:
        UserError: it cannot be removed.
    """
    bundle = services / f"{NAME}.workflow"
    if not os.path.lexists(bundle):
        return Outcome(bundle, "was not there")
    if not _ours(bundle):
        return Outcome(bundle, "left alone: Pete did not make it", well=False)
    try:
        shutil.rmtree(bundle)
    except OSError as error:
        raise UserError(f"{bundle} cannot be removed: {error.strerror}.", "move it to the bin yourself") from None
    return Outcome(bundle, "removed")


def _ours(bundle: Path) -> bool:
    if bundle.is_symlink():
        return False
    try:
        return plistlib.loads((bundle / "Contents/Info.plist").read_bytes()).get("CFBundleIdentifier") == IDENTIFIER
    except (OSError, ValueError, AttributeError, ExpatError):
        return False


def _contents(shell: str) -> dict[str, dict[str, Any]]:
    """The two property lists, as Automator writes them: the service, and the workflow."""
    text = ["public.utf8-plain-text"]
    service = {"NSMenuItem": {"default": NAME}, "NSMessage": "runWorkflowAsService", "NSSendTypes": text, "NSReturnTypes": text}
    accepts = {"Container": "List", "Optional": True, "Types": ["com.apple.cocoa.string"]}
    action = {
        "AMAccepts": accepts,
        "AMActionVersion": "2.0.3",
        "AMApplication": ["Automator"],
        "AMParameterProperties": {key: {} for key in ("COMMAND_STRING", "CheckedForUserDefaultShell", "inputMethod", "shell", "source")},
        "AMProvides": {"Container": "List", "Types": ["com.apple.cocoa.string"]},
        "ActionBundlePath": _ACTION,
        "ActionName": "Run Shell Script",
        "ActionParameters": {
            "COMMAND_STRING": shell,
            "CheckedForUserDefaultShell": True,
            "inputMethod": 0,  # text comes on stdin
            "shell": "/bin/sh",
            "source": "",
        },
        "BundleIdentifier": "com.apple.RunShellScript",
        "CFBundleVersion": "2.0.3",
        "CanShowSelectedItemsWhenRun": False,
        "CanShowWhenRun": True,
        "Category": ["AMCategoryUtilities"],
        "Class Name": "RunShellScriptAction",
        "UnlocalizedApplications": ["Automator"],
        "arguments": {},
        **_IDS,
    }
    kinds = {"serviceInputTypeIdentifier": "com.apple.Automator.text", "serviceOutputTypeIdentifier": "com.apple.Automator.text"}
    workflow = {
        "AMApplicationBuild": "523",
        "AMApplicationVersion": "2.10",
        "AMDocumentVersion": "2",
        "actions": [{"action": action, "isViewVisible": True}],
        "connectors": {},
        "workflowMetaData": {
            **kinds,
            "inputTypeIdentifier": "com.apple.Automator.text",
            "outputTypeIdentifier": "com.apple.Automator.text",
            "processesInput": True,
            "serviceProcessesInput": True,  # the answer takes the place of the selected text
            "workflowTypeIdentifier": "com.apple.Automator.servicesMenu",
        },
    }
    info = {"CFBundleIdentifier": IDENTIFIER, "CFBundleName": NAME, "CFBundlePackageType": "BNDL", "CFBundleShortVersionString": "1.0"}
    return {"Info.plist": {**info, "NSServices": [service]}, "document.wflow": workflow}
