"""Orders that the merchant is asked about before they exist.

A question costs the buyer seconds, so it is asked while no connection to the books is held. What
the merchant refuses is never an order; where he does not answer it is sold all the same.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.simulator.domain import spi, trade
from services.simulator.domain.coupons import Channel, CodeOrigin, Order
from services.simulator.domain.questions import (
    Form,
    Question,
    QuestionState,
    Reply,
    SpiReply,
    read_spi,
    read_trade,
)
from services.simulator.gateway import Address, QuestionPoster
from services.simulator.handlers import placing
from services.simulator.handlers.placing import OrderRequest
from services.simulator.handlers.platform_key import platform_key
from services.simulator.handlers.world import World
from services.simulator.queries import apps, orders, questions
from shared.clock import utc_now
from shared.postgres.connection import Connection

_OUT_ID_MAX = 200
_NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """A purchase that ended before there was an order."""

    account_id: str
    reference: str
    error_code: int
    description: str


@dataclass(frozen=True, slots=True)
class _Decided:
    order: Order
    question: Question
    refused: Refused | None


async def purchase(
    world: World, poster: QuestionPoster, requests: Sequence[OrderRequest]
) -> tuple[list[Order], list[Refused]]:
    """Those that nobody is asked about are placed together, all or none of them."""
    asked = [request for request in requests if _is_asked(request)]
    if not asked:
        return await placing.place_orders(world, requests), []
    others = [request for request in requests if not _is_asked(request)]
    placed = iter(await placing.place_orders(world, others) if others else [])
    decided = await _ask_all(world, poster, asked)
    bought = iter(await _place(world, decided))
    refusals = iter(decided)
    ordered = [
        _next(bought, refusals) if _is_asked(request) else next(placed) for request in requests
    ]
    return (
        [order for order in ordered if order is not None],
        [one.refused for one in decided if one.refused is not None],
    )


def _next(bought: Any, decided: Any) -> Order | None:
    if next(decided).refused is not None:
        return None
    order: Order = next(bought)
    return order


def _is_asked(request: OrderRequest) -> bool:
    is_third_party = request.sku.code_origin is CodeOrigin.MERCHANT
    return request.channel is Channel.V2 or (request.channel is Channel.LIFE and is_third_party)


async def _ask_all(
    world: World, poster: QuestionPoster, requests: Sequence[OrderRequest]
) -> list[_Decided]:
    now = utc_now()
    async with world.pool.acquire() as conn, conn.transaction():
        client_keys = await placing.find_client_keys(conn, requests)
        supply = await placing.number_supply(world, conn, requests)
        addresses = await _addresses(conn, sorted({*client_keys.values()}))
        made = [
            placing.new_order(request, client_keys[request.account_id], supply, world, now)
            for request in requests
        ]
        known = await orders.find_known_references(
            conn, [one.account_id for one in made], [one.reference for one in made]
        )
    return await asyncio.gather(
        *(
            _decide(
                world,
                poster,
                order,
                None
                if (order.account_id, order.reference) in known
                else addresses[order.client_key],
            )
            for order in made
        )
    )


async def _addresses(conn: Connection, client_keys: Sequence[str]) -> Mapping[str, Address]:
    found = await apps.find_addresses(conn, client_keys)
    return {
        client_key: Address(client_key, secret, spi_url, trade_url, token)
        for client_key, (secret, spi_url, trade_url, token) in found.items()
    }


async def _decide(
    world: World, poster: QuestionPoster, order: Order, address: Address | None
) -> _Decided:
    """Without an address, or a second time, nobody is asked."""
    is_life = order.channel is Channel.LIFE
    question = spi.pre_create(order) if is_life else trade.pre_create_order(order)
    url = None if address is None else (address.spi_url if is_life else address.trade_url)
    if address is None or url is None:
        return _Decided(order, replace(question, outcome=""), None)
    key = await platform_key(world) if question.form is Form.TRADE else None
    reply = await poster.ask(address, question.form, question.action, question.body, key=key)
    return _read(world, order, question, reply)


def _read(world: World, order: Order, question: Question, reply: Reply) -> _Decided:
    is_life = order.channel is Channel.LIFE
    answer = read_spi(reply) if is_life else read_trade(reply)
    code = answer.error_code
    refuses = code in spi.PRE_CREATE_REFUSALS if is_life else bool(code)
    if code == 0:
        _name(order, answer)
        return _Decided(order, _answered(question, "allowed"), None)
    if refuses or not world.pace.unanswered_sells:
        words = spi.PRE_CREATE_REFUSALS.get(code or 0, "商家未应答")
        refused = Refused(order.account_id, order.reference, code or _NO_ANSWER, words)
        return _Decided(order, _answered(question, f"refused_{code or 'no_answer'}"), refused)
    return _Decided(order, _answered(question, "no_answer_sold", QuestionState.FAILED), None)


def _name(order: Order, answer: SpiReply) -> None:
    """The merchant's own number of the order, if he gave one that can be kept."""
    number = answer.data.get("ext_order_id") or answer.data.get("out_order_no")
    if isinstance(number, str) and len(number) <= _OUT_ID_MAX and "\x00" not in number:
        order.out_order_id = number


def _answered(
    question: Question, outcome: str, state: QuestionState = QuestionState.ANSWERED
) -> Question:
    return replace(question, state=state, outcome=outcome)


async def _place(world: World, decided: Sequence[_Decided]) -> list[Order]:
    now = utc_now()
    allowed = [one.order for one in decided if one.refused is None]
    asked = [one.question for one in decided if one.question.outcome]
    async with world.pool.acquire() as conn, conn.transaction():
        placed = await placing.add_orders(world, conn, allowed, now) if allowed else []
        if asked:
            await questions.enqueue(conn, asked, now, due_at=now)
    world.ring()
    return placed
