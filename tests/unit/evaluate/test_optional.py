"""The trial of prompt formats is a folder that could be deleted: only its verb knows it."""

import re

from pete.config import PROJECT

FOLDER = "evaluate/prompt_formats"


def test_only_its_verb_imports_the_trial_of_prompt_formats():
    source = PROJECT / "src" / "pete"
    users = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if FOLDER not in path.as_posix()
        and re.search(r"import.*prompt_formats|from pete\.evaluate\.prompt_formats", path.read_text("utf-8"))
    ]
    assert users and all(user.split("/")[0] in ("cli", "app") for user in users)
