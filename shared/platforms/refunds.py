"""The answer to a refund that a platform left for us to decide, in words no platform owns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefundVerdict:
    """`allowed` and `refused` name the coupons; both empty means the whole order, as `allow` says.

    Given again it says the same: the platform knows the matter by `after_sale_id`.
    """

    after_sale_id: str
    # By what the platform knows it from us, where it asked for a number of ours.
    out_refund_id: str
    # The door the question came by, as in RefundAsk.
    channel: str | None
    allow: bool
    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    # For the buyer's eyes, of a refusal.
    words: str | None = None
