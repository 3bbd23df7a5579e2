from pete.data.language import language_of


def test_languages_by_their_commonest_words():
    assert language_of("The kettle is on the stove, and that is all we have for you.") == "English"
    assert language_of("Wir sind nicht da, und das ist gut so.") == "German"
    assert language_of("Nous sommes dans la rue et vous \u00eates sur le toit avec une chaise.") == "French"
    assert language_of("Hm.") == "" == language_of("12 345 678")


def test_a_few_words_or_two_languages_at_once_are_no_verdict():
    assert language_of("It is the one.", least=5) == "" != language_of("It is the one.")
    assert language_of("the and of der die und") == ""
