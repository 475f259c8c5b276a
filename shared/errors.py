"""Failures that are answers. Anything else that is raised is a bug or an outage."""


class Rejection(Exception):
    """An answer: asking again with the same input changes nothing (HTTP 409)."""

    reason = "rejected"
    status = 409

    def __init__(self, detail: str, *, reason: str | None = None) -> None:
        super().__init__(detail)
        if reason is not None:
            self.reason = reason


class NotFound(Rejection):
    reason = "not_found"
    status = 404


class Unreadable(Rejection):
    """The request itself cannot be understood; the detail says which part and what is expected."""

    reason = "unreadable"
    status = 422


class Unauthorized(Rejection):
    reason = "unauthorized"
    status = 401


class Forbidden(Rejection):
    reason = "forbidden"
    status = 403


class TooManyRequests(Rejection):
    """Over a limit of this caller; the same request is answered once the wait is over."""

    reason = "too_many_requests"
    status = 429

    def __init__(
        self, detail: str, *, retry_after_seconds: int = 1, reason: str | None = None
    ) -> None:
        super().__init__(detail, reason=reason)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(Exception):
    """Not now: a limit is reached or a neighbour is away (HTTP 503 with Retry-After)."""

    reason = "unavailable"
    status = 503

    def __init__(self, detail: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds
