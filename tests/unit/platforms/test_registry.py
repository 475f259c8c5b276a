import json

import pytest
from aiohttp import web

from shared.errors import NotFound
from shared.platforms.douyin.signatures import sign_webhook
from shared.platforms.platform import Platform
from shared.platforms.registry import PLATFORMS, platform_named
from shared.platforms.scans import TypedCode


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_is_found_by_its_own_name(name: str) -> None:
    platform: Platform = platform_named(name)
    assert platform.name == name
    assert platform.cancel_window.total_seconds() > 0
    assert platform.default_base_url.startswith("https://")
    for origin in platform.default_short_link_origins:
        assert origin.startswith("https://")


def test_an_unknown_platform_is_not_found() -> None:
    with pytest.raises(NotFound):
        platform_named("nowhere")


def test_a_webhook_passes_through_the_platform_from_headers_to_fields() -> None:
    platform = platform_named("douyin")
    raw = json.dumps({"event": "life_member_join", "content": '{"mobile":"1"}'}).encode()
    headers = web.Response(
        headers={"x-douyin-signature": sign_webhook(raw, "s"), "MSG-ID": "m1"}
    ).headers
    assert platform.verify_webhook(headers, raw, ["s"])
    assert not platform.verify_webhook({}, raw, ["s"])
    webhook = platform.read_webhook(headers, raw)
    assert webhook.msg_id == "m1"
    assert platform.personal_fields(webhook.event, webhook.content) == (("mobile",),)
    assert platform.handshake_answer(webhook) is None
    scan = platform.parse_scan("102539929601", short_link_origins=())
    assert scan == TypedCode("102539929601")
