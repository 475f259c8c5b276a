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
