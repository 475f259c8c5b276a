"""Shows the simulator's own books: orders as they are, webhooks as they went, counts."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from services.simulator.domain.after_sales import AfterSale
from services.simulator.domain.coupons import Coupon, Order, Verification
from services.simulator.domain.statuses import order_status, order_word
from services.simulator.handlers.saving import find_orders
from services.simulator.handlers.world import World
from services.simulator.queries import after_sales, books, questions
from services.simulator.queries.controls import CallCount, add_call_counts
from services.simulator.queries.questions import QuestionLine
from shared.clock import utc_now
from shared.postgres.connection import Connection

Json = dict[str, Any]


async def order_book(world: World, *, after: int, limit: int) -> list[Json]:
    """Orders with a higher id, by id."""
    async with world.pool.acquire() as conn:
        order_ids = await books.find_order_ids(conn, after, limit)
        orders = await find_orders(conn, order_ids)
        verifications = await _by_coupon(conn, order_ids)
        refunds = defaultdict(list)
        for one in await after_sales.find_after_sales_of_orders(conn, order_ids):
            refunds[one.order_id].append(one)
    return [
        show_order(orders[order_id], verifications, refunds[order_id]) for order_id in order_ids
    ]


async def question_lines(
    world: World, *, state: str | None, action: str | None, after: int, limit: int
) -> list[QuestionLine]:
    async with world.pool.acquire() as conn:
        return await questions.find_lines(
            conn, state=state, action=action, after=after, limit=limit
        )


async def webhook_lines(
    world: World, *, state: str | None, genuine: bool, after: int, limit: int
) -> list[books.WebhookLine]:
    async with world.pool.acquire() as conn:
        return await books.find_webhooks(
            conn, state=state, genuine=genuine, after=after, limit=limit
        )


async def _by_coupon(conn: Connection, order_ids: Sequence[int]) -> dict[int, list[Verification]]:
    found: dict[int, list[Verification]] = defaultdict(list)
    for one in await books.find_all_verifications(conn, order_ids):
        found[one.certificate_id].append(one)
    return found


def show_order(
    order: Order,
    verifications: dict[int, list[Verification]],
    refunds: Sequence[AfterSale] = (),
) -> Json:
    return {
        "order_id": str(order.order_id),
        "account_id": order.account_id,
        "reference": order.reference,
        "order_status": order_status(order),
        "state": order_word(order),
        "original_amount_fen": order.original_amount_fen,
        "pay_amount_fen": order.pay_amount_fen,
        "paid_fen": order.paid_fen,
        "refunded_fen": sum(coupon.refunded_fen for coupon in order.coupons),
        "settled_fen": sum(coupon.settled_fen for coupon in order.coupons),
        "channel": order.channel,
        "code_origin": order.code_origin,
        "sku_id": order.sku.sku_id,
        "third_sku_id": order.sku.third_sku_id,
        "out_order_id": order.out_order_id,
        "created_at": order.created_at,
        "paid_at": order.paid_at,
        "updated_at": order.updated_at,
        "coupons": [
            _show_coupon(coupon, verifications.get(coupon.certificate_id, []))
            for coupon in order.coupons
        ],
        "after_sales": [_show_refund(order, refund) for refund in refunds],
    }


def _show_refund(order: Order, refund: AfterSale) -> Json:
    return {
        "after_sale_id": str(refund.after_sale_id),
        "certificate_ids": [order.coupon(one).public_id for one in refund.certificate_ids],
        "cause": refund.cause,
        "state": refund.state,
        "decided_by": refund.decided_by,
        "amount_fen": refund.amount_fen,
        "out_refund_no": refund.out_refund_no,
    }


def _show_coupon(coupon: Coupon, verifications: Sequence[Verification]) -> Json:
    return {
        "certificate_id": coupon.public_id,
        "state": coupon.state,
        "pay_amount_fen": coupon.pay_amount_fen,
        "times_count": coupon.times_count,
        "times_used": coupon.times_used,
        "refunded_fen": coupon.refunded_fen,
        "settled_fen": coupon.settled_fen,
        "settled_at": coupon.settled_at,
        "refunded_at": coupon.refunded_at,
        "verifications": [
            {
                "verify_id": str(one.verify_id),
                "serial": one.serial,
                "poi_id": one.poi_id,
                "verified_at": one.verified_at,
                "cancelled_at": one.cancelled_at,
            }
            for one in verifications
        ],
    }


async def statistics(world: World) -> Json:
    await write_call_counts(world)
    async with world.pool.acquire() as conn, conn.transaction(isolation="repeatable_read"):
        webhooks: dict[str, dict[str, int]] = defaultdict(dict)
        for copy, state, count in await books.count_webhooks(conn):
            webhooks[copy][state] = count
        calls: dict[str, dict[str, int]] = defaultdict(dict)
        for call, code, count in await books.count_calls(conn):
            calls[call][str(code)] = count
        verified, cancelled = await books.count_verifications(conn)
        asked: dict[str, dict[str, int]] = defaultdict(dict)
        for action, outcome, count in await questions.count_questions(conn):
            asked[action][outcome] = count
        refunds: dict[str, dict[str, int]] = defaultdict(dict)
        for state, decided_by, count in await after_sales.count_after_sales(conn):
            refunds[state][decided_by] = count
        return {
            "questions": asked,
            "after_sales": refunds,
            "money_fen": await books.sum_money(conn),
            "orders": await books.count_orders(conn),
            "coupons": await books.count_coupons(conn),
            "verifications": {"made": verified, "cancelled": cancelled},
            "webhooks": webhooks,
            "webhook_attempts": await books.count_attempts(conn),
            "calls": calls,
            "faults_injected": await books.count_injected_faults(conn),
        }


async def write_call_counts(world: World) -> None:
    """Counts of this process, since it last wrote them; a kill loses a second of them."""
    counted = dict(world.calls)
    world.calls.clear()
    if not counted:
        return
    async with world.pool.acquire() as conn:
        await add_call_counts(
            conn, [CallCount(call, code, count) for (call, code), count in counted.items()]
        )


async def pending(world: World) -> Json:
    """Idle when no webhook is queued, not even for later, and no refund is under way."""
    async with world.pool.acquire() as conn:
        found = await books.find_pending(conn, utc_now())
    return {
        "idle": found.webhooks_queued == 0
        and found.refunds_waiting == 0
        and found.questions_queued == 0
        and found.codes_owed == 0,
        "webhooks_queued": found.webhooks_queued,
        "webhooks_due": found.webhooks_due,
        "next_webhook_at": found.next_webhook_at,
        "refunds_waiting": found.refunds_waiting,
        "questions_queued": found.questions_queued,
        "codes_owed": found.codes_owed,
    }
