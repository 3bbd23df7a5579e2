import threading

from pete.listener import LISTENER, Listener, NoListener


class Kept(Listener):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


def test_nobody_listens_unless_a_program_says_so_for_its_own_thread():
    kept, elsewhere = Kept(), []
    token = LISTENER.set(kept)
    try:
        LISTENER.get().message("here")
        LISTENER.get().progress("x", 1, 2)
        thread = threading.Thread(target=lambda: elsewhere.append(type(LISTENER.get())))
        thread.start()
        thread.join()
    finally:
        LISTENER.reset(token)
    assert kept.lines == ["here"] and elsewhere == [NoListener] and isinstance(LISTENER.get(), NoListener)
