from pete.generate.meaning import Difference, Meaning


def test_facts_kept_counts_what_was_lost_or_changed():
    lost = Difference("figure", "lost", "", (0, 1), None)
    added = Difference("figure", "added", "", None, (0, 1))
    meaning = Meaning((lost, added), (), (), (), 4)
    assert meaning.facts_kept == 0.75 and not meaning.same and meaning.of("figure", "name") == (lost, added)
    assert Meaning((), (), (), (), 0).facts_kept == 1
