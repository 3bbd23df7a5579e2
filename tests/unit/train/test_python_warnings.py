import threading
import warnings

from pete.train.python_warnings import warnings_to


def test_two_trainings_in_two_threads_hear_their_own_warnings_and_nothing_is_left_behind():
    before, heard, entered, left = warnings.showwarning, {"first": [], "second": []}, threading.Event(), threading.Event()

    def listen(name):
        return lambda message, *_: heard[name].append(str(message))

    def second():
        with warnings_to(listen("second")):
            entered.set()
            left.wait(10)
            warnings.warn("of the second", UserWarning, stacklevel=1)

    thread = threading.Thread(target=second)
    with warnings_to(listen("first")):
        thread.start()
        entered.wait(10)
        warnings.warn("of the first", UserWarning, stacklevel=1)
    left.set()
    thread.join(10)
    assert heard == {"first": ["of the first"], "second": ["of the second"]} and warnings.showwarning is before


def test_a_thread_of_a_librarys_own_belongs_to_the_only_training():
    heard = []
    with warnings_to(lambda message, *_: heard.append(str(message))):
        thread = threading.Thread(target=lambda: warnings.warn("aside", UserWarning, stacklevel=1))
        thread.start()
        thread.join(10)
    assert heard == ["aside"]


def test_the_same_warning_is_told_to_each_training():
    heard = []
    for _ in range(2):
        with warnings_to(lambda message, *_: heard.append(str(message))):
            warnings.warn("again", UserWarning, stacklevel=1)
    assert heard == ["again", "again"]
