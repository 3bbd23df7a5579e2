from pete.data.key_terms import KeyTerms

TEXT = """The boiler came on a Thursday, and the invoice came before the boiler. Derek read the invoice twice.
When I asked Derek about the boiler he said it was warm."""
OTHERS = ["The team met again on a Thursday.", "On a Thursday we sell the most.", "A Thursday is a day."]


def test_a_text_is_about_the_things_it_names_and_others_do_not():
    assert KeyTerms([TEXT, *OTHERS]).of(TEXT) == ["boiler", "invoice", "Derek"]


def test_addresses_and_tags_are_no_terms():
    found = KeyTerms([]).of("Look at the garden https://example.org/garden-shed #gardening @gardener")
    assert found[:1] == ["garden"] and not {"gardening", "gardener", "https"} & set(found)


def test_nothing_said_gives_nothing():
    assert KeyTerms([]).of("") == [] == KeyTerms([]).of("It is what it is, and so on.")


def test_another_language_has_terms_too():
    assert "Heizung" in KeyTerms([]).of("Die Heizung kam am Donnerstag, und wir haben die Heizung gleich angemacht.")
