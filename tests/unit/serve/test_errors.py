import httpx2
import openai
import pytest

from pete.serve.errors import Refusal, invalid, unsupported


@pytest.mark.parametrize(
    ("status", "kind", "raised"),
    [
        (400, "invalid_request_error", openai.BadRequestError),
        (401, "authentication_error", openai.AuthenticationError),
        (403, "permission_error", openai.PermissionDeniedError),
        (404, "not_found_error", openai.NotFoundError),
        (429, "rate_limit_error", openai.RateLimitError),
        (500, "server_error", openai.InternalServerError),
    ],
)
def test_openais_package_reads_our_errors(status, kind, raised):
    document = Refusal(status, "No.", code="c", param="p").document
    request = httpx2.Request("POST", "http://x")
    error = openai.OpenAI(api_key="k")._make_status_error_from_response(httpx2.Response(status, json=document, request=request))
    assert type(error) is raised and (error.code, error.param, error.type) == ("c", "p", kind) and "No." in error.message


def test_what_cannot_be_honoured_names_the_parameter():
    assert unsupported("n", "m").document["error"] == {
        "message": "m", "type": "invalid_request_error", "param": "n", "code": "unsupported_parameter",
    }  # fmt: skip
    assert (invalid("n", "m").status, invalid("n", "m").code) == (400, "invalid_value")
