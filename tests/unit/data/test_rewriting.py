from pete.data.rewriting import REQUEST, rewrite_request


def test_the_instruction_stands_in_front_of_the_draft():
    assert rewrite_request("We open at nine.\n\nCome.\n") == f"{REQUEST}\n\nWe open at nine.\n\nCome."
