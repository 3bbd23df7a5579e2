from pete.app.notify import Silent
from pete.events import Warned


def test_where_nobody_listens_the_default_is_taken(capfd):
    silent = Silent()
    silent.progress("answers", 1, 2)
    silent.message("a line", "note")
    silent.event(Warned(message="a warning"))
    assert silent.ask("On?", ("continue", "new"), "continue") == "continue" and capfd.readouterr() == ("", "")
