"""How fast things happen at the platform, and how much it takes; changed at run time."""

from pydantic import BaseModel, ConfigDict, Field

_Seconds = Field(ge=0, le=10**9)
_Rate = Field(ge=1, le=10**6)


class Pace(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    preparation_seconds: float = _Seconds
    cancel_window_seconds: float = _Seconds
    # From the customer's wish to the money's return.
    refund_seconds: float = _Seconds
    # From redemption to settlement.
    settle_seconds: float = _Seconds
    unpaid_seconds: float = _Seconds
    prepare_per_second: int = _Rate
    verify_record_per_second: int = _Rate
    order_query_per_second: int = _Rate
    # From a product's saving to the end of its audit, and from a matching task to its end.
    product_audit_seconds: float = Field(default=2, ge=0, le=10**9)
    poi_match_seconds: float = Field(default=2, ge=0, le=10**9)
    # What follows came later: a pace that was set before it keeps its defaults.
    #
    # How much of the documented waiting before a question is asked again.
    retry_scale: float = Field(default=1, ge=0, le=10)
    # How long a merchant may take to issue codes before a refund opens.
    issue_seconds: float = Field(default=600, ge=0, le=10**9)
    # After how long a refund that the merchant does not decide passes: 24 h of coupons with
    # codes of his own, 72 h of mini-programs.
    audit_seconds: float = Field(default=86_400, ge=0, le=10**9)
    mini_audit_seconds: float = Field(default=259_200, ge=0, le=10**9)
    # How often merchants are asked for the state of some of their orders; 0 is never.
    status_check_seconds: float = Field(default=0, ge=0, le=10**9)
    # Whether an order that the merchant does not answer for is sold all the same.
    unanswered_sells: bool = True
