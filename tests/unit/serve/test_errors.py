from pete.serve.errors import invalid, unsupported


def test_what_cannot_be_honoured_names_the_parameter():
    assert unsupported("n", "m").document["error"] == {
        "message": "m", "type": "invalid_request_error", "param": "n", "code": "unsupported_parameter",
    }  # fmt: skip
    assert (invalid("n", "m").status, invalid("n", "m").code) == (400, "invalid_value")
