"""What a template writes around texts it cannot look into, it writes around every text: the proof against jinja itself."""

import datetime
import importlib.metadata
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pete.data.hidden import PLACES, place
from pete.data.template import MOST, Around, ChatTemplate, TemplateError

FOLDER = Path(str(importlib.metadata.distribution("trl").locate_file("trl/chat_templates")))
TEMPLATES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.jinja"))}
NOON = datetime.datetime(2026, 11, 26, 12, 0)
KNOWN = {"bos_token": "<s>", "eos_token": "</s>", "enable_thinking": False, "add_generation_prompt": False}
ROLES = [("user", "assistant"), ("system", "user", "assistant"), ("user", "assistant", "user", "assistant")]
ASKED = sorted({"</think>", "<think>", "<tool_response>", "/nothink", "<|channel|>final<|message|>", "CONTINUE_FINAL_MESSAGE_TAG "})
texts = st.one_of(
    st.sampled_from([
        *ASKED, "assistant", "system", "user", "{{ messages }}", "{% if x %}", "none", "False", "0", "[]", "<br>&amp;", "'", '"',
        "\\n", "%s", "{}", "a</think>b", "\n", "\u0130", "\U000f0000<|im_end|>\U000f0001", "I </thi", "nk> so", "\u2028",
    ]),
    st.text(max_size=8),
    st.lists(st.sampled_from(["a", " ", "\n", "<", "think", ">", "/", "\t", "é", "😀", ":", "|"]), max_size=12).map("".join),
)  # fmt: skip


def told(roles: tuple[str, ...], contents: list[str], parts: bool = False) -> list[dict]:
    return [
        {"role": role, "content": [{"type": "text", "text": content}] if parts else content}
        for role, content in zip(roles, contents, strict=True)
    ]


def filled(text: str, contents: list[str]) -> str:
    return PLACES.sub(lambda hit: contents[int(hit.group(1))], text)


made = cache(ChatTemplate)  # there are more than `compiled` keeps


@cache
def around(template: str, roles: tuple[str, ...], parts: bool = False) -> Around | None:
    return made(template).around(told(roles, [place(n) for n in range(len(roles))], parts), NOON, **KNOWN)


@pytest.mark.slow
def test_most_real_templates_are_proven():
    proven = [name for name, text in TEMPLATES.items() if around(text, ROLES[0]) or around(text, ROLES[0], True)]
    assert len(proven) > 0.85 * len(TEMPLATES) and {"llama3", "qwen2_5", "qwen3", "gemma3", "phi3", "deepseekv3"} <= set(proven)
    asked = around(TEMPLATES["qwen3"], ROLES[0])
    assert asked is not None and "</think>" in asked.asked


@given(name=st.sampled_from(sorted(TEMPLATES)), roles=st.sampled_from(ROLES), parts=st.booleans(), data=st.data())
def test_what_holds_is_what_jinja_makes(name: str, roles: tuple[str, ...], parts: bool, data: st.DataObject):
    proof = around(TEMPLATES[name], roles, parts)
    contents = [data.draw(texts).strip() for _ in roles]
    if proof is None or not proof.holds(contents):
        return
    assert made(TEMPLATES[name]).render(told(roles, contents, parts), NOON, **KNOWN) == filled(proof.text, contents)


LOOKS = {
    "length": "{% if messages[0].content|length > 9 %}long{% endif %}{{ messages[0].content }}",
    "len": "{{ messages[0].content.__len__() }}{{ messages[0].content }}",
    "equal": "{{ 'yes' if messages[0].content == 'Grüße' }}{{ messages[0].content }}",
    "equal to another": "{{ 'yes' if messages[0].content == messages[1].content }}{{ messages[0].content }}",
    "unequal messages": "{{ messages[0] != {'role': 'user', 'content': 'a'} }}{{ messages[0].content }}",
    "is equal": "{{ 'yes' if messages[0].content is eq('a') }}{{ messages[0].content }}",
    "the same": "{{ 'yes' if messages[0].content is sameas(messages[1].content) }}{{ messages[0].content }}",
    "selects": "{{ messages|selectattr('content', 'equalto', 'a')|list|length }}{{ messages[0].content }}",
    "before": "{{ messages[0].content < 'm' }}{{ messages[0].content }}",
    "sorts": "{{ (messages|sort(attribute='content'))[0].content }}",
    "one of": "{{ messages[0].content in ['a', 'b'] }}{{ messages[0].content }}",
    "within": "{{ messages[0].content in 'abc' }}{{ messages[0].content }}",
    "a key": "{{ {'a': 1}.get(messages[0].content) }}{{ messages[0].content }}",
    "a slice": "{{ messages[0].content[:3] }}{{ messages[0].content }}",
    "letters": "{% for c in messages[0].content %}{{ c }}{% endfor %}",
    "upper": "{{ messages[0].content|upper }}",
    "upper method": "{{ messages[0].content.upper() }}",
    "strips letters": "{{ messages[0].content.strip('ab') }}",
    "strips letters, as a filter": "{{ messages[0].content|trim('ab') }}",
    "splits": "{{ messages[0].content.split('a')[0] }}",
    "replaces": "{{ messages[0].content|replace('a', 'b') }}",
    "formats": "{{ '%s' % messages[0].content|string }}",
    "formats with width": "{{ '%.3s' % messages[0].content }}{{ messages[0].content }}",
    "format": "{{ '{:.3}'.format(messages[0].content) }}",
    "joins and strips": "{{ (messages|map(attribute='content')|join)|replace('a', 'b') }}",
    "shortens a block": "{% set x %}{{ messages[0].content }}{% endset %}{{ x[:3] }}",
    "trims a block": "{% set x %}a{{ messages[0].content }}{% endset %}{{ x|replace('a', '') }}",
    "filters a block": "{% filter replace('a', 'b') %}{{ messages[0].content }}{% endfilter %}",
    "shortens a macro": "{% macro f(x) %}{{ x }}{% endmacro %}{{ f(messages[0].content)[:3] }}",
    "shortens a macro of its own": "{% macro f() %}{{ messages[0].content }}{% endmacro %}{{ f()|replace('a', 'b') }}",
    "shortens a call": "{% macro f() %}{{ caller()[:3] }}{% endmacro %}{% call f() %}{{ messages[0].content }}{% endcall %}",
    "escapes": "{{ messages[0].content|e }}",
    "escapes a block": "{% autoescape true %}{{ messages[0].content }}{% endautoescape %}",
    "json": "{{ messages|tojson }}",
    "shows all": "{{ messages }}",
    "hides that it looked": "{{ messages[0].content is upper }}{{ messages[0].content }}",
    "sees a method": "{{ messages[0].content.title is defined }}{{ messages[0].content }}",
    "sees whether it has changed": "{% for m in messages %}{{ loop.changed(m.content) }}{{ m.content }}{% endfor %}",
    "asks for what joins": "{{ 'ab' in messages[0].content + messages[1].content }}{{ messages[0].content }}",
    "asks for nothing": "{{ '' in messages[0].content }}{{ messages[0].content }}",
    "repeats": "{{ messages[0].content * 2 }}",
    "refuses": "{{ raise_exception(messages[0].content) }}",
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_template_that_looks_is_seen(name: str):
    assert around(LOOKS[name], ROLES[0]) is None


PUTS = {
    "trims": "{{ ('  ' + messages[0].content|trim + '  ').strip() }}|{{ messages[1]['content'].rstrip('\n') }}",
    "trims what stands before": "{{ (' - ' ~ messages[0].content ~ ' ' ~ 3)|trim }}",
    "if there": "{% set m = messages[0] %}{% if m.content and m.content is string and m.content is not none %}{{ m.content }}{% endif %}"
    "{{ messages[1].content or 'nothing' }}",
    "macro": "{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(messages[0].content)|trim }}{{ f(f(messages[1].content)) }}",
    "call": "{% macro f() %}[{{ caller() }}]{% endmacro %}{% call f() %}{{ messages[0].content }}{% endcall %}",
    "generation": "{% generation %}{{ messages[1].content }}{% endgeneration %}",
    "namespace": "{% set n = namespace(x='') %}{% for m in messages %}{% set n.x = n.x + m.content + '\n' %}{% endfor %}{{ n.x }}",
    "asks": "{% for m in messages %}{% if '</think>' in m.content or m.content.startswith('#') or m.content.endswith('!') %}?{% endif %}"
    "{{ m.content }}{% endfor %}",
    "default": "{{ messages[0].content|default('x', true) }}{{ messages[0].content|string }}",
    "last": "{{ (messages|last).content }}{{ messages|map(attribute='content')|first }}{{ messages|length }}",
    "again": "{% for m in messages recursive %}{{ m.content }}{{ loop(m.more) if m.more }}{% endfor %}",
}


@pytest.mark.parametrize("name", PUTS)
@given(contents=st.tuples(texts, texts))
@example(contents=("a </think> b", "#!"))
def test_a_template_that_puts_texts_somewhere_is_proven(name: str, contents: tuple[str, str]):
    proof, given_ = around(PUTS[name], ROLES[0]), [text.strip() for text in contents]
    assert proof is not None
    if proof.holds(given_):
        assert made(PUTS[name]).render(told(ROLES[0], given_), NOON, **KNOWN) == filled(proof.text, given_)
    else:
        assert not all(given_) or any(words in text for words in proof.asked for text in given_)


def test_what_a_template_refuses_is_proven_for_nobody():
    assert around("{{ raise_exception('no') }}", ROLES[0]) is None
    with pytest.raises(TemplateError):
        made("{{ messages[0].content + 3 }}").render(told(ROLES[0], ["a", "b"]), NOON)


def test_texts_near_the_limit_of_a_template_are_left_to_it():
    proof = around(PUTS["trims"], ROLES[0])
    assert proof is not None and proof.holds(["a", "b"]) and not proof.holds(["a" * (MOST // 10), "b"])
