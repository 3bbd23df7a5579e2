"""What is exported: a base, an adapter, how it speaks, and what it is asked to prove that what arrives is what was trained."""

import copy
import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pete.adapter import LINEAGE, SETTINGS, WEIGHTS, Lineage, read_lineage, read_weights
from pete.config import EMBEDDED_BASE, Config, GenerateConfig, resolve
from pete.data.examples import Example, Message, load_examples, load_prompts
from pete.data.render import Rendered, Renderer
from pete.data.template import TemplateError
from pete.data.tokenizer import GENERATION, TEMPLATE, TOKENIZER
from pete.data.tokenizer import SETTINGS as TOKENIZER_SETTINGS
from pete.engines.base_models.resolve import resolve_base
from pete.engines.protocol import Base
from pete.errors import AdapterError, BaseModelError, DataError, RunError
from pete.evaluate.score import NEUTRAL
from pete.generate.extract import turn_marks
from pete.generate.prompt_format import open_renderer, read_prompt_format
from pete.persona import PLAIN_TEMPLATE
from pete.run import RunDir, write_json

MOST = 20
"""Prompts, and rows, that every export is compared on."""
ANSWER = 32
"""Tokens that have to fit behind a prompt."""
SPOKEN = (TOKENIZER, TOKENIZER_SETTINGS, "special_tokens_map.json", TEMPLATE, GENERATION)
"""Files that say how text becomes ids."""


@dataclass(frozen=True)
class Source:
    """A tuned model, or a base alone, that can leave."""

    name: str
    """What its files are called: letters, digits, dots and dashes."""
    base: Base
    adapter: Path | None
    """A folder with weights, tokenizer and template; None: the base as it is."""
    renderer: Renderer
    sampling: GenerateConfig
    stops: tuple[str, ...]
    """Strings that end an answer, beside the ids that do."""
    config: Config
    """Decides the engine that it is compared with."""
    prompts: tuple[tuple[Message, ...], ...]
    rows: tuple[Example, ...]
    rows_of: str
    """Whose text the rows are, for people."""
    lineage: Lineage | None = None
    run: RunDir | None = None

    @property
    def adapter_sha256(self) -> str:
        """Of the adapter's weights; empty for a base alone."""
        return hashlib.sha256((self.adapter / WEIGHTS).read_bytes()).hexdigest() if self.adapter else ""

    @property
    def needs_system(self) -> bool:
        """The chat template cannot hold the system line: it has to be sent with every conversation."""
        return bool(with_system(self.renderer)[1])

    def prompt_ids(self) -> list[list[int]]:
        """The prompts as the model sees them."""
        return [self.renderer.prompt_ids(turns, ANSWER) for turns in self.prompts]

    def rendered(self) -> list[Rendered]:
        """The rows, with loss on nothing but the answers' own text."""
        return [row.text_only for row in map(self.renderer.example, self.rows) if len(row) <= self.renderer.context]


def of_run(run: RunDir) -> Source:
    """A finished run's model.

    Raises:
        RunError: it has no adapter yet. BaseModelError, AdapterError: the base is not to be had, or not the one it was trained on.
    """
    config = run.read_config().config
    if not run.adapter.is_dir():
        raise RunError(f"{run.folder} has no adapter yet: its training is not finished.", f"go on with it: pete resume {run.cli_argument}")
    lineage = read_lineage(run.adapter)
    base = resolve_base(config.model)
    read_weights(run.adapter, base.name, base.fingerprint)  # plain LoRA, made for these very weights
    renderer = open_renderer(run.adapter, lineage, read_prompt_format(lineage.prompt_format), base.context, config.data.train_turns)
    rows, rows_of = _held_out(run)
    prompts = [prompt.prompt for prompt in load_prompts(run.prompts_file)] if run.prompts_file.is_file() else []
    return Source(
        name=_plain(f"{lineage.persona}-{base.name}"),
        base=base,
        adapter=run.adapter,
        renderer=renderer,
        sampling=config.generate,
        stops=tuple(dict.fromkeys((*lineage.stop, *turn_marks(renderer)))),
        config=config,
        prompts=_asked(prompts or [row.request for row in rows], renderer),
        rows=_evenly(rows),
        rows_of=rows_of,
        lineage=lineage,
        run=run,
    )


def of_adapter(folder: Path, base_name: str, scratch: Path) -> Source:
    """Somebody's PEFT adapter on a base that is named; its own tokenizer and template where it brings them, else the base's.

    Args:
        folder: as peft saved it.
        base_name: as `model.base`.
        scratch: an empty folder that lives as long as the source: the adapter is put together there.

    Raises:
        BaseModelError, AdapterError: what cannot be read, or is more than plain LoRA.
    """
    config, base = _base_called(base_name, f"--base {EMBEDDED_BASE}, a folder, or a hub name (owner/name)")
    if (folder / LINEAGE).is_file():
        lineage = read_lineage(folder)
        read_weights(folder, base.name, base.fingerprint)
        renderer = open_renderer(folder, lineage, read_prompt_format(lineage.prompt_format), base.context)
        return _of_nobody(folder.resolve().name, base, folder, renderer, config, lineage)
    settings, _ = read_weights(folder, str(_made_for(folder, base)), base.fingerprint)
    for name in ("config.json", *SPOKEN):
        found = next((place / name for place in (folder, base.folder) if (place / name).is_file()), None)
        if found is not None:
            shutil.copyfile(found, scratch / name)
    shutil.copyfile(folder / WEIGHTS, scratch / WEIGHTS)
    write_json(scratch / SETTINGS, settings | {"base_model_name_or_path": base.name})  # whoever names the base knows it
    renderer = Renderer(scratch, template=PLAIN_TEMPLATE, system="", context=base.context)
    return _of_nobody(folder.resolve().name, base, scratch, renderer, config)


def of_base(base_name: str) -> Source:
    """A base as it is."""
    config, base = _base_called(base_name, f"a run, {EMBEDDED_BASE}, a folder, or a hub name (owner/name)")
    return _of_nobody(base.name, base, None, Renderer(base.folder, template=PLAIN_TEMPLATE, system="", context=base.context), config)


def _base_called(name: str, others: str) -> tuple[Config, Base]:
    """A base by its name, whole on this machine; `others` is what to name in its place where there is none."""
    config = resolve(overrides=[f"model.base={json.dumps(name)}"]).config
    try:
        return config, resolve_base(config.model)
    except BaseModelError as error:
        if "--set model.base" in error.hint:  # which is for training
            error.hint = others
        raise


def _of_nobody(name: str, base: Base, adapter: Path | None, renderer: Renderer, config: Config, lineage: Lineage | None = None) -> Source:
    """A source without held-out text of its own: ordinary prose takes its place."""
    rows = load_examples([NEUTRAL])
    return Source(
        name=_plain(name if adapter is None or base.name in name else f"{name}-{base.name}"),
        base=base,
        adapter=adapter,
        renderer=renderer,
        sampling=GenerateConfig.model_validate(lineage.generate) if lineage else config.generate,
        stops=tuple(dict.fromkeys((*(lineage.stop if lineage else ()), *turn_marks(renderer)))),
        config=config,
        prompts=_asked([row.prompt for row in rows], renderer),
        rows=_evenly(rows),
        rows_of="ordinary prose that comes with Pete",
        lineage=lineage,
    )


def _made_for(folder: Path, base: Base) -> object:
    """The base that a foreign adapter's settings name; the one at hand where they name none."""
    try:
        return json.loads((folder / SETTINGS).read_text(encoding="utf-8")).get("base_model_name_or_path") or base.name
    except (OSError, ValueError, AttributeError):
        return base.name  # read_weights says what is wrong


def _held_out(run: RunDir) -> tuple[list[Example], str]:
    for split in ("test", "valid"):
        try:
            if run.split_file(split).stat().st_size and (rows := load_examples([run.split_file(split)])):
                return rows, f"the run's {split} rows"
        except (OSError, DataError):
            continue
    return load_examples([NEUTRAL]), "ordinary prose that comes with Pete: the run held no rows back"


def _evenly(rows: Sequence[Example]) -> tuple[Example, ...]:
    """At most so many, from all over the file."""
    step = max(1, len(rows) // MOST)
    return tuple(rows[::step][:MOST])


def _asked(prompts: Sequence[str], renderer: Renderer) -> tuple[tuple[Message, ...], ...]:
    """At most so many prompts that the model can see whole, from all over the file, the last one in a conversation."""
    asked: list[tuple[Message, ...]] = [(Message("user", prompt),) for prompt in prompts]
    fitting = [turns for turns in asked if _fits(turns, renderer)] or [(Message("user", "Hello."),)]
    talks = list(fitting[:: max(1, len(fitting) // MOST)][:MOST])
    longer = (*talks[0], Message("assistant", "Yes."), *talks[-1])
    if len(talks) > 1 and _fits(longer, renderer):
        talks[-1] = longer
    return tuple(talks)


def _fits(turns: Sequence[Message], renderer: Renderer) -> bool:
    return len(renderer.encode(renderer.prompt_text(turns))) + ANSWER <= renderer.context


def _plain(name: str) -> str:
    """A name that every shell, file system and registry of models takes: letters, digits, dashes, and dots within numbers."""
    return re.sub(r"(?:[^a-z0-9.]|(?<!\d)\.|\.(?!\d))+", "-", name.lower()).strip("-") or "model"


# --- how it speaks, for programs that know no persona ----------------------------------------------------------------


def write_speech(source: Source, folder: Path) -> None:
    """Tokenizer, chat template with the system line in it, every end, and how answers are drawn, into a folder."""
    source.renderer.write(folder)
    (folder / TEMPLATE).write_text(with_system(source.renderer)[0], encoding="utf-8")
    write_json(folder / GENERATION, generation_settings(source))


def generation_settings(source: Source) -> dict[str, Any]:
    """generation_config.json: every end, and our way to draw."""
    sampling = source.sampling
    drawn = {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
    return {
        "eos_token_id": sorted(source.renderer.ends),
        **(drawn if sampling.temperature > 0 else {"do_sample": False}),
        "repetition_penalty": sampling.repetition_penalty,
        "max_new_tokens": sampling.max_new_tokens,
    }


def bare_messages(renderer: Renderer, turns: Sequence[Message]) -> list[dict[str, object]]:
    """A conversation as a program sends it that knows of no system line, in the form that the template takes."""
    bare = copy.copy(renderer)
    bare.system = ""
    return bare.messages(turns)


def with_system(renderer: Renderer) -> tuple[str, str]:
    """The chat template for programs that do not ask it as training did.

    Where nothing is said of thinking it thinks not, and a conversation without a system line has the persona's.

    Returns:
        The template, and why the line is not in it, as a sentence; empty where it is, or where there is none.
    """
    quiet = _THINKING + renderer.template if "enable_thinking" in renderer.template else renderer.template
    if not renderer.system:
        return quiet, ""
    line = json.dumps(renderer.system, ensure_ascii=False)
    if renderer.folds_system:
        wanted = "messages and messages[0]['role'] == 'user' and messages[0]['content'] is string"
        value, rest = f"{line} + '\\n\\n' + messages[0]['content']", "messages[1:]"
    else:
        wanted, rest = "not messages or messages[0]['role'] != 'system'", "messages"
        in_parts = not isinstance(renderer.messages([Message("user", "x")])[0]["content"], str)
        value = f"[{{'type': 'text', 'text': {line}}}]" if in_parts else line
    role = "user" if renderer.folds_system else "system"
    made = _PREFIX.format(wanted=wanted, value=f"[{{'role': '{role}', 'content': {value}}}] + {rest}", name="messages") + quiet
    for turns in ((Message("user", "Hi."),), (Message("user", "Hi."), Message("assistant", "Yes?"), Message("user", "A\nb"))):
        try:
            held = renderer.text_by(made, bare_messages(renderer, turns)) == renderer.prompt_text(turns)
        except TemplateError:
            held = False
        if not held:
            return quiet, "The chat template cannot hold the persona's system line: send it with every conversation."
    return made, ""


_PREFIX = "{{%- if {wanted} %}}{{%- set {name} = {value} %}}{{%- endif %}}{{{{- '' }}}}"
_THINKING = _PREFIX.format(wanted="enable_thinking is not defined", name="enable_thinking", value="false")


def require_adapter(source: Source) -> Path:
    """The adapter's folder; raises AdapterError for a base alone."""
    if source.adapter is None:
        raise AdapterError(f"{source.name} is a base without an adapter.", "name a run, or an adapter's folder with --base")
    return source.adapter
