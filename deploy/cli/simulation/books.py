"""Compares the platform's books, whose states are in the words of our events, with our orders."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# Any: JSON.
Json = dict[str, Any]

# Of these the platform tells nobody unless it is asked, and then only of the order.
_UNSEEN = frozenset({"unpaid", "available", "closed"})
_TOLD = 20


def differences(book: Json, ours: Json | None) -> Iterator[str]:
    """In what our order differs from the platform's; nothing if it is the same."""
    if ours is None:
        yield "unknown to us"
        return
    wanted = book["state"]
    if ours["state"] != wanted:
        yield f"state {ours['state']}, should be {wanted}"
    if ours["contradicted"]:
        yield "contradicted"
    if wanted not in ("created", "closed") and ours["pay_amount_fen"] != book["pay_amount_fen"]:
        yield f"paid {ours['pay_amount_fen']}, should be {book['pay_amount_fen']} fen"
    yield from _coupon_differences(book["coupons"], ours["coupons"])


def _coupon_differences(book: Sequence[Json], ours: Sequence[Json]) -> Iterator[str]:
    known = {coupon["coupon_id"]: coupon["state"] for coupon in ours}
    for coupon in book:
        coupon_id, wanted = coupon["certificate_id"], coupon["state"]
        state = known.pop(coupon_id, None)
        if state is None and wanted in _UNSEEN:
            continue
        if state != wanted and not (wanted == "unpaid" and state in (None, "available")):
            yield f"coupon {coupon_id} {state or 'unknown'}, should be {wanted}"
    for coupon_id in known:
        yield f"coupon {coupon_id} is not of this order"


def is_unfinished(book: Json) -> bool:
    """Whether it will change by itself: it waits for money, or for the money's return."""
    return book["state"] == "created" or any(
        coupon["state"] == "refunding" for coupon in book["coupons"]
    )


def valid_verifications(book: Mapping[str, Json]) -> dict[str, int]:
    """How often each coupon is spent at the platform at this moment."""
    return {
        coupon["certificate_id"]: valid
        for order in book.values()
        for coupon in order["coupons"]
        if (valid := sum(one["cancelled_at"] is None for one in coupon["verifications"]))
    }


def told(found: Mapping[str, Sequence[str]]) -> list[Json]:
    """The first orders that differ, in a form for people and programs."""
    return [
        {"order_id": order_id, "differences": list(lines)}
        for order_id, lines in sorted(found.items())[:_TOLD]
    ]
