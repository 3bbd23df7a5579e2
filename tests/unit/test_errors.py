import pytest

from pete import errors
from pete.errors import ConfigError, Interrupted, PeteError, UserError, WorkError

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PeteError)]


@pytest.mark.parametrize("kind", ALL)
def test_bad_input_is_2_and_failed_work_1(kind):
    assert kind.exit_code == (2 if issubclass(kind, UserError) else 1)
    assert kind.__name__ in (errors.__doc__ or ""), "the tree in the docstring has every error"


def test_a_signal_is_its_number_over_128():
    assert [Interrupted("m", "h", number).exit_code for number in (2, 15, 1)] == [130, 143, 129]


def test_every_problem_is_listed_up_to_a_number():
    error = ConfigError.of_problems("Bad:", [f"p{i}" for i in range(23)], "try")
    assert isinstance(error, ConfigError) and error.hint == "try"
    assert error.message.split("\n")[:2] == ["Bad:", "  - p0"] and error.message.endswith("  - p19\n  ... and 3 more")
    assert str(WorkError("It broke.")) == "It broke." and WorkError("It broke.").hint == ""
