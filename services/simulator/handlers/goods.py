"""Merchants save, shelve and stock products; audits end by time; the operator meddles."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.fields import Identifier, Text, TextOrEmpty
from services.simulator.domain.goods import (
    STATUS_WORDS,
    DraftStatus,
    Json,
    OnlineStatus,
    Product,
)
from services.simulator.domain.numbers import entity_id
from services.simulator.domain.webhooks import other_event, plan
from services.simulator.handlers.world import World
from services.simulator.queries import apps, webhooks
from services.simulator.queries import goods as queries
from shared.clock import utc_now
from shared.errors import NotFound
from shared.postgres.connection import Connection

AUDIT_EVENT = "life_product_audit"
COMMON_AUDIT_EVENT = "life_product_common_audit"
STATUS_EVENT = "life_product_status_change"
AUDITS_MAX = 100
# Meals have an audit event of their own.
_MEAL = 1


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DriftRequest(_Body):
    """Changes behind the merchant's back; `tell` sends what the platform would send."""

    account_id: Identifier
    out_id: Identifier
    price_fen: int | None = Field(default=None, ge=0, le=10**10)
    title: Text | None = None
    stock_qty: int | None = Field(default=None, ge=0, le=10**9)
    shelf: OnlineStatus | None = None
    tell: bool = False


class VerdictRequest(_Body):
    """All audits of the product fail with this reason, until it is taken back with null."""

    account_id: Identifier
    # '*' for every product of the merchant.
    out_id: Identifier
    reason: TextOrEmpty | None


class BanRequest(_Body):
    account_id: Identifier
    out_id: Identifier


async def owned(conn: Connection, client_key: str, account_id: str) -> None:
    """Raises PlatformError unless this merchant granted this app."""
    if (await apps.find_client_keys(conn, [account_id])).get(account_id) != client_key:
        raise PlatformError(Code.MERCHANT_NOT_AUTHORISED)


async def save(
    world: World,
    *,
    client_key: str,
    account_id: str,
    out_id: str,
    product_id: int | None,
    product: Json,
    skus: Sequence[Json],
) -> Product:
    """The same `out_id` is the same product; what customers see waits for the audit."""
    now = utc_now()
    due_at = now + timedelta(seconds=world.pace.product_audit_seconds)
    async with world.pool.acquire() as conn, conn.transaction():
        await owned(conn, client_key, account_id)
        found = await queries.lock_product(conn, account_id, product_id=product_id, out_id=out_id)
        numbers = iter(await world.numbers.take(conn, len(skus) + 1))
        known = _sku_ids(found)
        draft = {
            "product": {**product, "out_id": out_id},
            "skus": _numbered(skus, known, lambda: str(entity_id(next(numbers), now))),
        }
        if found is not None:
            found.save(draft, audit_due_at=due_at)
            await queries.save_product(conn, found, now)
            return found
        added = Product(
            product_id=entity_id(next(numbers), now),
            account_id=account_id,
            out_id=out_id,
            draft=draft,
            draft_status=DraftStatus.IN_AUDIT,
            audit_msg="",
            audit_due_at=due_at,
            online=None,
            online_status=None,
            version=0,
            created_at=now,
            updated_at=now,
        )
        if not await queries.add_product(conn, added):
            raise PlatformError(Code.BUSY)
        return added


def _sku_ids(product: Product | None) -> dict[str, str]:
    if product is None:
        return {}
    return {sku["out_sku_id"]: sku["sku_id"] for sku in product.draft["skus"]}


def _numbered(skus: Sequence[Json], known: dict[str, str], new_id: Callable[[], str]) -> list[Json]:
    """Each with the platform's id: the one it had, or a new one."""
    numbered = []
    for place, sku in enumerate(skus):
        out_sku_id = str(sku.get("out_sku_id") or place)
        sku_id = known.get(out_sku_id) or new_id()
        numbered.append({**deepcopy(sku), "out_sku_id": out_sku_id, "sku_id": sku_id})
    return numbered


async def change(
    world: World,
    *,
    client_key: str,
    account_id: str,
    product_id: int | None,
    out_id: str | None,
    happen: Callable[[Product], Sequence[str]],
) -> Product:
    """Change a product without audit; `happen` names the status events to be told."""
    async with world.pool.acquire() as conn, conn.transaction():
        await owned(conn, client_key, account_id)
        product = await queries.lock_product(conn, account_id, product_id=product_id, out_id=out_id)
        if product is None:
            raise PlatformError(Code.BAD_PARAMETER, "商品不存在")
        await _save_and_tell(world, conn, product, happen(product))
    world.webhooks_queued.ring()
    return product


async def save_skus(
    world: World, *, client_key: str, account_id: str, out_id: str, skus: Sequence[Json]
) -> dict[str, str]:
    now = utc_now()
    async with world.pool.acquire() as conn, conn.transaction():
        await owned(conn, client_key, account_id)
        product = await queries.lock_product(conn, account_id, product_id=None, out_id=out_id)
        if product is None:
            raise PlatformError(Code.BAD_PARAMETER, "商品不存在")
        numbers = iter(await world.numbers.take(conn, len(skus)))
        numbered = _numbered(skus, _sku_ids(product), lambda: str(entity_id(next(numbers), now)))
        product.merge_skus(numbered)
        await queries.save_product(conn, product, now)
    return {sku["out_sku_id"]: sku["sku_id"] for sku in numbered}


def put(status: OnlineStatus) -> Callable[[Product], Sequence[str]]:
    return lambda product: [STATUS_WORDS[status]] if product.put(status) else []


async def drift(world: World, request: DriftRequest) -> Product:
    def happen(product: Product) -> Sequence[str]:
        if product.online is None:
            message = "nothing of this product is online yet"
            raise NotFound(message)
        product.draft = deepcopy(product.draft)
        product.change(
            stock_qty=request.stock_qty, price_fen=request.price_fen, title=request.title
        )
        if request.shelf is None:
            return []
        product.online_status = request.shelf
        return [STATUS_WORDS[request.shelf]] if request.tell else []

    return await _meddle(world, request.account_id, request.out_id, happen)


async def ban(world: World, request: BanRequest) -> Product:
    def happen(product: Product) -> Sequence[str]:
        if product.online is None:
            product.online = deepcopy(product.draft)
        product.online_status = OnlineStatus.BANNED
        return [STATUS_WORDS[OnlineStatus.BANNED]]

    return await _meddle(world, request.account_id, request.out_id, happen)


async def _meddle(
    world: World, account_id: str, out_id: str, happen: Callable[[Product], Sequence[str]]
) -> Product:
    async with world.pool.acquire() as conn, conn.transaction():
        product = await queries.lock_product(conn, account_id, product_id=None, out_id=out_id)
        if product is None:
            message = f"no product {out_id}"
            raise NotFound(message)
        await _save_and_tell(world, conn, product, happen(product))
    world.webhooks_queued.ring()
    return product


async def set_verdict(world: World, request: VerdictRequest) -> None:
    async with world.pool.acquire() as conn, conn.transaction():
        if request.account_id not in await apps.find_client_keys(conn, [request.account_id]):
            message = f"no merchant {request.account_id}"
            raise NotFound(message)
        if request.reason is None:
            await queries.remove_verdict(conn, request.account_id, request.out_id)
        else:
            await queries.set_verdict(conn, request.account_id, request.out_id, request.reason)


async def end_audits(world: World) -> int:
    """How many ended; fewer than a batch means that nothing is left for now."""
    now = utc_now()
    async with world.pool.acquire() as conn, conn.transaction():
        due = await queries.lock_due(conn, now, AUDITS_MAX)
        for product in due:
            failure = await queries.find_verdict(conn, product.account_id, product.out_id)
            first = product.end_audit(failure)
            statuses = [STATUS_WORDS[OnlineStatus.ONLINE]] if first else []
            await _save_and_tell(world, conn, product, statuses, audit_failure=failure or "")
    if due:
        world.webhooks_queued.ring()
    return len(due)


async def _save_and_tell(
    world: World,
    conn: Connection,
    product: Product,
    statuses: Sequence[str],
    *,
    audit_failure: str | None = None,
) -> None:
    now = utc_now()
    await queries.save_product(conn, product, now)
    client_key = (await apps.find_client_keys(conn, [product.account_id]))[product.account_id]
    contents: list[tuple[str, dict[str, Any]]] = [
        (STATUS_EVENT, {"status": status}) for status in statuses
    ]
    if audit_failure is not None:
        meal = product.draft["product"].get("product_type") == _MEAL
        contents.insert(
            0,
            (
                AUDIT_EVENT if meal else COMMON_AUDIT_EVENT,
                {"status": "FAIL" if audit_failure else "PASS", "reason": audit_failure},
            ),
        )
    messages = [
        other_event(
            client_key=client_key,
            event=event,
            from_user_id="",
            content={"product_id": str(product.product_id), **content},
            key=f"{product.product_id}:{product.version + 1}:{content['status']}",
        )
        for event, content in contents
    ]
    await webhooks.enqueue(conn, plan(messages, world.faults, now), now)


async def find(
    world: World,
    *,
    client_key: str,
    account_id: str,
    product_ids: Sequence[int],
    out_ids: Sequence[str],
) -> list[Product]:
    async with world.pool.acquire() as conn:
        await owned(conn, client_key, account_id)
        return await queries.find_products(
            conn, account_id, product_ids=product_ids, out_ids=out_ids
        )


async def page(
    world: World,
    *,
    client_key: str | None,
    account_id: str | None,
    draft_status: int | None = None,
    online_status: int | None = None,
    only_online: bool = False,
    after: int,
    limit: int,
) -> list[Product]:
    """One more than the limit if there are more. Without a client key: for the operator."""
    async with world.pool.acquire() as conn:
        if client_key is not None:
            await owned(conn, client_key, account_id or "")
        return await queries.list_products(
            conn,
            account_id=account_id,
            draft_status=draft_status,
            online_status=online_status,
            only_online=only_online,
            after=after,
            limit=limit + 1,
        )
