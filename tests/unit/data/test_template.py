import datetime
import time

import pytest

from pete.data.template import LONGEST_TEMPLATE, SECONDS, ChatTemplate, TemplateError

NOON = datetime.datetime(2026, 11, 26, 12, 0)
TALK = [{"role": "user", "content": "Grüße"}]

HOSTILE = {
    "repeats a text": "{{ 'x' * 200000000 }}",
    "repeats a list": "{{ (['x'] * 200000000)|length }}",
    "counts in a count": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "counts in a kept count": "{% set r = range(9999) %}{% for i in r %}{% for j in r %}{% endfor %}{% endfor %}",
    "passes over everything": "{% set r = range(9999)|list %}{% for i in r if r|sum == 1 %}{% endfor %}",
    "doubles with ~": "{% set a = 'x' %}" + "{% set a = a ~ a %}" * 60,
    "doubles with +": "{% set n = namespace(x='a') %}{% for i in range(100) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "replaces by more": "{% set a = 'x' * 1000000 %}{{ a|replace('x', 'y' * 1000) }}",
    "replaces by more, as a method": "{% set a = 'x' * 1000000 %}{{ a.replace('x', 'y' * 1000) }}",
    "joins by more": "{{ (['x'] * 9999)|join('y' * 9999) }}",
    "pads, as a filter": "{{ 'x'|center(1000000000) }}",
    "pads, as a method": "{{ 'x'.ljust(1000000000) }}",
    "pads with %": "{{ '%999999999d' % 1 }}",
    "pads with a width given": "{{ '%*d' % (999999999, 1) }}",
    "pads with format": "{{ '{:999999999}'.format('x') }}",
    "expands": "{{ ('\\t' * 1000000).expandtabs(9000) }}",
    "indents": "{{ messages|tojson(indent=1000000000) }}",
    "powers": "{{ 10 ** 1000000000 }}",
    "squares": "{% set a = 9 %}" + "{% set a = a * a %}" * 60 + "{{ a }}",
    "calls itself": "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
    "calls itself twice": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}",
    "writes without end": "{% for i in range(9999) %}" + "y" * 5000 + "{% endfor %}",
    "writes into a variable": "{% set x %}{% for i in range(9999) %}" + "y" * 5000 + "{% endfor %}{% endset %}",
    "writes a constant into a variable": "{% set x %}{% for i in range(9999) %}{{ '" + "y" * 5000 + "' }}{% endfor %}{% endset %}",
    "is too long": "x" * (LONGEST_TEMPLATE + 1),
    "leaves the sandbox": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "leaves through a global": "{{ cycler.__init__.__globals__ }}",
    "leaves through a namespace": "{% set n = namespace() %}{% set n.__class__ = 3 %}",
    "changes the conversation": "{{ messages.append(1) }}",
    "refuses": "{{ raise_exception('no') }}",
    "divides by zero": "{{ 1 / 0 }}",
    "is no template": "{% for %}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_template_is_refused_in_a_moment(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pete.data.template.SECONDS", 0.1)
    began = time.thread_time()
    with pytest.raises(TemplateError):
        ChatTemplate(HOSTILE[name]).render(TALK, NOON, add_generation_prompt=True)
    assert time.thread_time() - began < SECONDS


def test_a_refusal_says_what_the_template_said():
    with pytest.raises(TemplateError, match="System role not supported"):
        ChatTemplate("{{ raise_exception('System role not supported') }}").render(TALK, NOON)


def test_what_transformers_gives_a_template_is_there():
    text = (
        "{{ strftime_now('%d %b %Y') }}|{{ messages|tojson }}|{{ none is none }}|{{ 'a' ~ 'b' ~ 3 }}|{{ '%s-%02d' % ('a', 5) }}|"
        "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% elif i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}|"
        "{% generation %}{{ messages[-1].content }}{% endgeneration %}|{{ dict(a=1).a }}|{{ tools is none }}|{{ nothing }}"
    )
    said = ChatTemplate(text).render(TALK, NOON)
    assert said == '26 Nov 2026|[{"role": "user", "content": "Grüße"}]|True|ab3|a-05|013|Grüße|1|True|'


def test_one_template_serves_several_threads():
    from concurrent.futures import ThreadPoolExecutor

    template = ChatTemplate("{% for i in range(2000) %}{{ i ~ messages[0].content }}{% endfor %}")
    alone = {n: template.render([{"role": "user", "content": str(n)}], NOON) for n in range(8)}
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda n: template.render([{"role": "user", "content": str(n)}], NOON), range(8)))
    assert together == [alone[n] for n in range(8)]
