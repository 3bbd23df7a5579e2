from pete.data.sources.record import Reason, Record


def test_every_reason_reads_as_words_of_its_own():
    words = [str(reason) for reason in Reason]
    assert len(set(words)) == len(words) and all(text == text.strip() != "" for text in words)


def test_a_record_keeps_its_text_as_it_is():
    text = "“One” — two…\r\n\r\n three \u2009 😀 "
    assert Record(text=text, where="a:1").text == text
