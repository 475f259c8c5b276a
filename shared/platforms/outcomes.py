"""How a call to a platform fails: refused, to be tried again, or with an unknown outcome."""

from shared.errors import Rejection, Unavailable
from shared.platforms.reasons import Reason


class Refused(Rejection):
    """The platform understood and says no; asking again changes nothing. Nothing was done."""

    def __init__(self, description: str, *, reason: Reason, code: int | None = None) -> None:
        super().__init__(description, reason=reason)
        self.refusal = reason
        self.code = code


class Retry(Unavailable):
    """Nothing was done, and the same call may succeed later."""

    def __init__(
        self,
        description: str,
        *,
        reason: Reason,
        code: int | None = None,
        retry_after_seconds: int = 1,
    ) -> None:
        super().__init__(description, retry_after_seconds=retry_after_seconds)
        self.reason = reason
        self.code = code


class OutcomeUnknown(Exception):
    """The call may have taken effect: ask again with the same token, or look the coupon up."""

    def __init__(self, description: str, *, reason: Reason, code: int | None = None) -> None:
        super().__init__(description)
        self.reason = reason
        self.code = code
