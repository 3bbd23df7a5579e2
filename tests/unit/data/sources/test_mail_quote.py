import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.html_text import tree_of
from pete.data.sources.mail_quote import answered, marked, split

OWN = "Ten o'clock suits me —\n  and the “small” table…\n\n- salt\n- bread\n\nBest regards,\nMina"
"""Indents, a list with hyphens and a greeting at the end are the author's."""
ABOVE = [
    "On Mon, Jan 5, 2026 at 10:00 AM Ada <ada@example.org> wrote:",
    "On Mon, Jan 5, 2026 at 10:00 AM Ada Long Name Of The House Of Bread <\nada@example.org> wrote:",
    "On 5 Jan 2026, at 10:00, Ada <ada@example.org> wrote:",
    "Am 05.01.26 um 10:00 schrieb Ada:",
    "Ada <ada@example.org> schrieb am Mo., 5. Jan. 2026, 10:00:",
    "Le lun. 5 janv. 2026 à 10:00, Ada <ada@example.org> a écrit :",
    "El lun, 5 ene 2026 a las 10:00, Ada (<ada@example.org>) escribió:",
    "Il giorno lun 5 gen 2026 alle ore 10:00 Ada <ada@example.org> ha scritto:",
    "Em seg., 5 de jan. de 2026 às 10:00, Ada <ada@example.org> escreveu:",
    "Op ma 5 jan 2026 om 10:00 schreef Ada <ada@example.org>:",
    "Den mån 5 jan. 2026 kl 10:00 skrev Ada <ada@example.org>:",
    "Den man. 5. jan. 2026 kl. 10.00 skrev Ada <ada@example.org>:",
    "ma 5. tammik. 2026 klo 10.00 Ada (ada@example.org) kirjoitti:",
    "pon., 5 sty 2026 o 10:00 Ada <ada@example.org> napisał(a):",
    "Dne po 5. 1. 2026 10:00 uživatel Ada <ada@example.org> napsal:",
    "пн, 5 янв. 2026 г. в 10:00, Ada <ada@example.org>:",
    "Ada <ada@example.org>, 5 Oca 2026 Pzt, 10:00 tarihinde şunu yazdı:",
    "2026年1月5日(月) 10:00 Ada <ada@example.org>:",
    "Ada <ada@example.org> 于2026年1月5日周一 10:00写道：",
    "2026년 1월 5일 (월) 오전 10:00, Ada <ada@example.org>님이 작성:",
]
OUTLOOK = [
    "From: Ada <ada@example.org>\nSent: Monday, January 5, 2026 10:00 AM\nTo: Mina\nSubject: Tea",
    "________________________________\nFrom: Ada <ada@example.org>\nSent: Monday, January 5, 2026\nTo: Mina\nCc: Bo\nSubject: Tea",
    "-----Original Message-----\nFrom: Ada\nSent: Monday\nTo: Mina\nSubject: Tea",
    "-----Ursprüngliche Nachricht-----\nVon: Ada\nGesendet: Montag, 5. Januar 2026\nAn: Mina\nBetreff: Tee",
    "Von: Ada <ada@example.org>\nGesendet: Montag, 5. Januar 2026 10:00\nAn: Mina\nBetreff: Tee",
    "De : Ada <ada@example.org>\nEnvoyé : lundi 5 janvier 2026 10:00\nÀ : Mina\nObjet : Thé",
    "De: Ada\nEnviado el: lunes, 5 de enero de 2026\nPara: Mina\nAsunto: Té",
    "Da: Ada\nInviato: lunedì 5 gennaio 2026\nA: Mina\nOggetto: Tè",
    "Van: Ada\nVerzonden: maandag 5 januari 2026\nAan: Mina\nOnderwerp: Thee",
    "Från: Ada\nSkickat: den 5 januari 2026\nTill: Mina\nÄmne: Te",
    "Fra: Ada\nSendt: 5. januar 2026\nTil: Mina\nEmne: Te",
    "Od: Ada\nWysłano: 5 stycznia 2026\nDo: Mina\nTemat: Herbata",
    "От: Ada\nОтправлено: 5 января 2026 г.\nКому: Mina\nТема: Чай",
    "发件人: Ada\n发送时间: 2026年1月5日\n收件人: Mina\n主题: 茶",
    "差出人: Ada\n送信日時: 2026年1月5日\n宛先: Mina\n件名: お茶",
    "*From:* Ada\n*Sent:* Monday\n*To:* Mina\n*Subject:* Tea",
    "From: tea@example.org [mailto:tea@example.org] On\nBehalf Of Ada\nSent: Monday\nTo: 'Mina' <m@example.org>; 'Bo\nBaker'\nSubject: Tea",
    "From: Ada <ada@example.org>\n\nSent: Monday, January 5, 2026\n\nTo: Mina\n\nSubject: Tea",
    "------------------------------------------------------------------\n发件人：Ada\n发送时间：2026年1月5日\n收件人：Mina\n主　题：茶",
]
FORWARDS = [
    "---------- Forwarded message ---------\nFrom: Ada <ada@example.org>\nDate: Mon, Jan 5, 2026\nSubject: Tea\nTo: Mina",
    "---------- Weitergeleitete Nachricht ---------\nVon: Ada", "---------- Message transféré ---------\nDe : Ada",
    "Begin forwarded message:\n\nFrom: Ada\nSubject: Tea", "Anfang der weitergeleiteten Nachricht:\n\nVon: Ada",
    "-------- Forwarded Message --------\nSubject: Tea\nFrom: Ada", "---------- Mensaje reenviado ---------\nDe: Ada",
]  # fmt: skip


@pytest.mark.parametrize("above", ABOVE)
def test_a_marked_quotation_is_set_apart_in_any_language_and_no_own_word_is_lost(above):
    parts = split(f"{OWN}\n\n{above}\n> Tea?\n>\n> > older\n> When?\n\nAnd a word below.")
    assert parts.own == f"{OWN}\n\nAnd a word below." and parts.above == above
    assert answered(parts) == "Tea?\n\n\nWhen?" or answered(parts).split() == ["Tea?", "When?"]
    assert split(f"{OWN}\n{above}\n\n> Tea?").own == OWN, "no blank line above, one below"


@pytest.mark.parametrize("block", OUTLOOK)
def test_below_outlooks_head_all_is_the_others(block):
    parts = split(f"{OWN}\n\n{block}\n\nTea?\n\nAda")
    assert (parts.own, answered(parts)) == (OWN, "Tea?\n\nAda")


@pytest.mark.parametrize(
    "above", ["Ada <ada@example.org> wrote:", "On Mon, Ada wrote:", *ABOVE[:1], *ABOVE[2:4], *ABOVE[5:8], *ABOVE[9:10]]
)
def test_what_stands_above_a_quotation_without_marks_is_known_in_the_common_languages(above):
    parts = split(f"{OWN}\n\n{above}\n\nTea?\nWhen?")
    assert (parts.own, parts.quoted) == (OWN, "Tea?\nWhen?")


@pytest.mark.parametrize("forward", FORWARDS)
def test_what_is_forwarded_is_nobodys_and_the_note_above_it_is_ones_own(forward):
    parts = split(f"Look at this.\n\n{forward}\n\nTea?")
    assert parts.own == "Look at this." and "Tea?" in parts.forwarded and not parts.quoted
    assert split(f"{forward}\n\nTea?").own == ""


@pytest.mark.parametrize("honest", [
    "On Monday Ada wrote:\n\nand then the bread came.", "She said at 10:00 that this is what Ada wrote:\nnothing at all.",
    "From: the kitchen\nTo: the table\n\nthat is the way.", "Best regards,\n\nMina\n\nPS: salt", "- one\n- two\n\nThanks,\nand more below.",
    "Sent from my heart, and there is\nmore to say.", "We need this:\n\n--\nOne\n" + "line\n" * 14 + "end.", "a > b\nFrom here on: tea.",
    "Original message: tea", "Kind regards from Ada are in order.\n\nThe rest follows.", "Disclaimer: I bake by mail.",
])  # fmt: skip
def test_what_only_looks_like_it_is_the_authors(honest):
    assert split(honest).own == honest


def test_a_head_that_is_shown_is_no_quotation_and_an_indented_one_is():
    shown = "Look:\n\nMessage-ID: <a@b>\nDate: Tue, 12 May 2026\nFrom: Ada <ada@example.org>\nTo: Bo\nSubject: Tea\n\nBest regards,\nMina"
    assert split(shown).own == shown
    assert split("    > Tea?\n\ufeff> When?\nTen.").own == "Ten."


@pytest.mark.parametrize("mark", [
    "-- \nMina Holt\nBaker", "--\nMina Holt", "Sent from my iPhone", "Von meinem iPhone gesendet", "Envoyé de mon iPhone",
    "-Sent from my iPhone",
    "Get Outlook for iOS <https://example.org/o>", "Enviado desde mi iPhone", "Inviato da iPhone",
    "iPhoneから送信", "Skickat från min iPhone",
])  # fmt: skip
def test_signatures_are_taken_off_and_the_greeting_stays(mark):
    parts = split(f"{OWN}\n\n{mark}\n\nOn Mon, Jan 5, 2026 at 10:00 AM Ada wrote:\n> Tea?")
    assert parts.own == OWN and parts.signature.rstrip() == mark
    assert split(f"{OWN}\n\n{mark}\n").own == OWN


def test_answers_between_the_lines_stay_together():
    parts = split("On Mon, Jan 5, 2026 at 10:00 AM Ada wrote:\n> Tea?\n\nYes.\n\n> When?\n\nAt ten.\n\nMina")
    assert (parts.own, answered(parts)) == ("Yes.\n\nAt ten.\n\nMina", "Tea?\n\nWhen?")


@pytest.mark.parametrize(("markup", "own", "said"), [
    ('<div dir="ltr">At <b>ten</b>.<div class="gmail_signature">Mina Holt</div></div><div class="gmail_quote"><div class="gmail_attr">'
     'Någon skrev:</div><blockquote class="gmail_quote">Tea?<div class="gmail_quote"><div class="gmail_attr">x</div><blockquote>older'
     "</blockquote></div></blockquote></div>", "At ten.", "Tea?"),
    ('<p class="MsoNormal">At ten.</p><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>Feladó:</b> Ada<br><b>Elküldve:</b> hétfő'
     "<br><b>Címzett:</b> Mina<br><b>Tárgy:</b> Tea</div><div>Tea?</div>", "At ten.", "Tea?"),
    ('<div>At ten.</div><div><blockquote type="cite"><div>On Jan 5, 2026, at 10:00, Ada wrote:</div><div>Tea?</div></blockquote></div>',
     "At ten.", "Tea?"),
    ("<blockquote type=cite>Tea?</blockquote>Yes.<blockquote type=cite>When?</blockquote>At ten.", "Yes.\n\nAt ten.", "Tea?\n\nWhen?"),
    ('<div>One<blockquote style="margin:0 0 0 40px;border:none;padding:0px">indented</blockquote>two</div>', "One\n\nindented\n\ntwo", ""),
    ('<div>FYI</div><div class="gmail_quote"><div class="gmail_attr">'
     "---------- Forwarded message ---------<br>From: Ada</div>Tea?</div>", "FYI", ""),
])  # fmt: skip
def test_html_says_what_is_quoted_whatever_the_language(markup, own, said):
    text, taken = marked(tree_of(markup))
    parts = split(text, taken)
    assert (parts.own, answered(parts, taken)) == (own, said)


WORDS = st.sampled_from(["tea", "> bread", "-- ", "--", "", "On Mon, Jan 5, 2026 at 10:00 Ada wrote:", "From: Ada", "To: Mina",
                         "Subject: x", "-----Original Message-----", "Begin forwarded message:", "Sent from my iPhone",
                         "\ue0000", "\ue0039", "salt:"])  # fmt: skip


@given(st.lists(WORDS | st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=12).map("\n".join))
def test_every_word_is_in_one_of_the_parts(text):
    parts = split(text)
    found = "".join("\n".join((parts.own, parts.quoted, parts.above, parts.forwarded, parts.signature)).split()).replace(">", "")
    assert sorted(found) == sorted("".join(text.split()).replace(">", ""))
