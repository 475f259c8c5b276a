"""Douyin as a Platform: its rules, and which module does what."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from shared.contracts.intake import PlatformDelivery
from shared.contracts.observations import Observation
from shared.platforms.client import ClientFactory, TokenKeeperFactory
from shared.platforms.douyin import (
    goods_notices,
    observations,
    personal,
    question_facts,
    refunds,
    scan,
    signatures,
    spi,
    spi_asks,
    spi_replies,
    trade,
    trade_replies,
    webhooks,
)
from shared.platforms.douyin.client import DEFAULT_BASE_URL, DouyinClient
from shared.platforms.douyin.goods import DouyinGoodsClient
from shared.platforms.douyin.tokens import ClientTokenSource
from shared.platforms.goods import GoodsClientFactory, PoiMatch, ProductNotice
from shared.platforms.platform import Path, Webhook
from shared.platforms.questions import (
    Answer,
    Ask,
    Asker,
    Channel,
    QueryPairs,
    Question,
    Reply,
    TradeEntry,
    TradeKeys,
    Verdict,
)
from shared.platforms.scans import Scan


class Douyin:
    """https://developer.open-douyin.com; what is not documented is marked where it stands."""

    name = "douyin"
    # Official: a redemption can be taken back within one hour, never after settlement.
    cancel_window = timedelta(hours=1)
    # The documents say "short-term" and no more; the QR code itself is dead after a verify.
    preparation_lifetime = timedelta(minutes=10)
    # Official: the limit of prepare.
    calls_per_second = 200
    # Ours, so that one call stays within its time limit.
    coupons_per_call = 20
    default_base_url = DEFAULT_BASE_URL
    default_short_link_origins = scan.DEFAULT_SHORT_LINK_ORIGINS
    new_client: ClientFactory = DouyinClient
    new_goods_client: GoodsClientFactory = DouyinGoodsClient
    goods_events = goods_notices.EVENTS
    new_token_keeper: TokenKeeperFactory = ClientTokenSource

    def verify_webhook(
        self, headers: Mapping[str, str], raw: bytes, secrets: Sequence[str]
    ) -> bool:
        return signatures.verify_webhook(headers.get(signatures.WEBHOOK_HEADER), raw, secrets)

    def read_webhook(self, headers: Mapping[str, str], raw: bytes) -> Webhook:
        return webhooks.read_webhook(raw, msg_id=headers.get(webhooks.MSG_ID_HEADER))

    def handshake_answer(self, webhook: Webhook) -> bytes | None:
        return webhooks.handshake_answer(webhook)

    def spi_client_key(self, action: str, query: QueryPairs) -> str | None:
        return spi.client_key(query) if spi.is_action(action) else None

    def verify_spi(
        self, query: QueryPairs, headers: Mapping[str, str], raw: bytes, secrets: Sequence[str]
    ) -> bool:
        return spi.verify(query, headers, raw, secrets)

    def read_spi(self, action: str, query: QueryPairs, raw: bytes) -> Question:
        return spi.read(action, query, raw)

    def load_trade_key(self, text: str) -> object:
        return trade.load_public_key(text)

    def verify_trade(
        self, headers: Mapping[str, str], raw: bytes, app_id: str, keys: TradeKeys
    ) -> bool:
        return trade.verify(headers, raw, app_id, keys)

    def read_trade(self, headers: Mapping[str, str], raw: bytes) -> Question:
        return trade.read(headers, raw)

    def read_question_content(self, channel: Channel, raw: bytes) -> Any:
        return spi.read_body(raw) if channel is Channel.SPI else trade.read_content(raw)

    def ask_of(self, question: Question, asker: Asker) -> Ask:
        translate = spi_asks.ask_of if question.channel is Channel.SPI else trade_replies.ask_of
        return translate(question, asker)

    def reply(self, question: Question, ask: Ask, answer: Answer, entry: TradeEntry) -> Reply:
        if question.channel is Channel.SPI:
            return spi_replies.reply(ask, answer)
        return trade_replies.reply(ask, answer, entry)

    def reply_without_answer(
        self, channel: Channel, verdict: Verdict, reason: str | None = None
    ) -> Reply:
        if channel is Channel.SPI:
            return spi_replies.reply_without(verdict, reason)
        return trade_replies.reply_without(verdict, reason)

    def account_id(self, content: object) -> str | None:
        return webhooks.account_id(content)

    def order_ids(self, content: object) -> tuple[str, ...]:
        return webhooks.order_ids(content)

    def sent_at(self, content: object) -> datetime | None:
        return webhooks.sent_at(content)

    def personal_fields(self, event: str, content: object) -> tuple[Path, ...]:
        return personal.personal_fields(event, content)

    def observations(self, delivery: PlatformDelivery) -> tuple[Observation, ...]:
        if question_facts.tells(delivery.event):
            return question_facts.of_delivery(delivery)
        return observations.of_delivery(delivery)

    def product_notice(self, delivery: PlatformDelivery) -> ProductNotice | None:
        return goods_notices.product_notice(delivery)

    def poi_match(self, delivery: PlatformDelivery) -> PoiMatch | None:
        return goods_notices.poi_match(delivery)

    def splits_refunds(self, channel: str | None) -> bool:
        return refunds.splits(channel)

    def parse_scan(self, text: str, *, short_link_origins: Collection[str]) -> Scan:
        return scan.parse_scan(text, short_link_origins=short_link_origins)
