"""Codes and tokens: sealed where they rest, gone when nobody needs them, guessed by nobody."""

import asyncpg

from tests.integration.redemption.support import Till, World
from tests.support.waiting import eventually


async def everything(world: World) -> str:
    """Every row of every table of the service, as text."""
    conn = await asyncpg.connect(
        world.postgres_url,
        server_settings={"role": "qiao_redemption", "search_path": "redemption"},
    )
    try:
        tables = await conn.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'redemption'"
        )
        parts = []
        for (table,) in tables:
            rows = await conn.fetch(f"SELECT {table}::text FROM {table}")  # noqa: S608
            parts += [str(row[0]) for row in rows]
            if table == "outbox":
                rows = await conn.fetch("SELECT payload FROM outbox")
                parts += [row["payload"].decode() for row in rows]
        return "\n".join(parts)
    finally:
        await conn.close()


async def test_no_code_and_no_token_rests_in_the_tables(world: World, till: Till) -> None:
    order = await world.platform.order()
    (coupon,) = order["coupons"]
    await till.redeem(coupon["code"])
    await till.scan(coupon["short_link"])
    await till.scan("123456789012345")
    conn = await asyncpg.connect(
        world.platform.postgres_url, server_settings={"search_path": "simulator"}
    )
    token = await conn.fetchval(
        "SELECT verify_token::text FROM preparations WHERE order_id = $1", int(order["order_id"])
    )
    await conn.close()
    assert token
    rests = await everything(world)
    short = coupon["short_link"].rstrip("/").rpartition("/")[2]
    for secret in (coupon["code"], short, token, "123456789012345"):
        assert secret not in rests
    assert order["order_id"] in rests


async def test_what_nobody_can_redeem_any_more_is_forgotten(world: World, till: Till) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    prepared = await till.scan(coupon["code"])
    preparation_id = prepared.body["preparation_id"]
    rows = await world.fetch(
        """
        UPDATE preparations SET expires_at = now() - interval '1 s'
         WHERE preparation_id::text = $1 RETURNING sealed
        """,
        preparation_id,
    )
    assert rows[0]["sealed"] is not None

    async def forgotten() -> bool:
        rows = await world.fetch(
            "SELECT sealed FROM preparations WHERE preparation_id::text = $1", preparation_id
        )
        return rows[0]["sealed"] is None

    await eventually(forgotten, within_seconds=60, what="a forgotten token")


async def test_typing_pauses_after_too_many_unknown_codes(world: World, till: Till) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    for number in range(10):
        refused = await till.scan(f"1234567890{number:02}")
        assert refused.reason == "code_unknown"
    paused = await till.scan("123456789099")
    assert (paused.status, paused.reason) == (429, "too_many_attempts")
    assert int(paused.headers["Retry-After"]) == 60
    assert (await till.scan(coupon["code"])).reason == "too_many_attempts"
    # The QR code cannot be guessed, and another till has done no wrong.
    assert (await till.scan(coupon["short_link"])).status == 200
    neighbour = await world.till()
    assert (await neighbour.scan(coupon["code"])).status == 200
    # A minute later typing goes on.
    await world.fetch("UPDATE refusals SET created_at = created_at - interval '61 s'")
    assert (await till.scan(coupon["code"])).status == 200


async def test_a_store_pauses_typing_too_whatever_the_terminal(world: World) -> None:
    tills = [await world.till() for _ in range(5)]
    for till in tills:
        for number in range(9):
            await till.scan(f"1234567890{number:02}")
    paused = await tills[0].scan("123456789099")
    assert (paused.status, paused.reason) == (429, "too_many_attempts")
    await world.fetch("UPDATE refusals SET created_at = created_at - interval '61 s'")
