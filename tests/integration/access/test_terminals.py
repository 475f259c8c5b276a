"""Terminals: enrolled once, known by their key, void when told."""

import jwt

from tests.support.access import Access


async def test_an_enrolled_terminal_gets_a_token_for_its_store(access: Access) -> None:
    await access.add_merchant("yihetang")
    store = await access.add_store("yihetang")
    terminal = await access.add_terminal(store)
    claims = jwt.decode(await terminal.token(), options={"verify_signature": False})
    assert claims["sub"] == f"terminal:{terminal.terminal_id}"
    assert (claims["merchant"], claims["stores"]) == ("yihetang", [store])
    assert claims["actions"] == ["redemption:read", "redemption:write"]
