"""What a request is refused with: OpenAI's error object, from whose status and code its clients choose their exceptions."""

from typing import Any


class Refusal(Exception):
    """A request is refused."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, param: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param, self.headers = status, message, code, param, headers or {}

    @property
    def document(self) -> dict[str, Any]:
        """As it is sent."""
        kind = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}.get(
            self.status, "invalid_request_error" if self.status < 500 else "server_error"
        )
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def unsupported(param: str, message: str) -> Refusal:
    """A setting that this server cannot honour."""
    return Refusal(400, message, code="unsupported_parameter", param=param)


def invalid(param: str | None, message: str) -> Refusal:
    """A value that is none."""
    return Refusal(400, message, code="invalid_value", param=param)
