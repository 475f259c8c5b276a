"""What a platform must offer, so that services need not know which one they speak with."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from shared.contracts.intake import PlatformDelivery
from shared.contracts.observations import Observation
from shared.platforms.client import ClientFactory, TokenKeeperFactory
from shared.platforms.goods import GoodsClientFactory, PoiMatch, ProductNotice
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

# Where a value sits inside an event's content: keys and list positions from the top.
Path = tuple[str | int, ...]


class Webhook(NamedTuple):
    """One delivery, read but not interpreted. `from_user_id` is personal.

    A tuple, because one is made for every request of the hottest path.
    """

    event: str
    client_key: str | None
    from_user_id: str | None
    msg_id: str | None
    log_id: str | None
    content: Any


class Platform(Protocol):
    """One content platform: its rules, its webhooks, its scan forms and its client."""

    name: str
    # How long after a redemption it may be taken back.
    cancel_window: timedelta
    # How long a verify token from prepare is trusted.
    preparation_lifetime: timedelta
    # How many certificate calls a second the platform grants one application.
    calls_per_second: int
    # How many coupons of one order we spend in one call; the platform names no limit.
    coupons_per_call: int
    default_base_url: str
    default_short_link_origins: tuple[str, ...]
    new_client: ClientFactory
    new_goods_client: GoodsClientFactory
    # The events that may say something of goods or of matched stores.
    goods_events: tuple[str, ...]
    new_token_keeper: TokenKeeperFactory

    def verify_webhook(
        self, headers: Mapping[str, str], raw: bytes, secrets: Sequence[str]
    ) -> bool:
        """Whether one of the live secrets signed these very bytes. `headers` ignores case."""
        ...

    def read_webhook(self, headers: Mapping[str, str], raw: bytes) -> Webhook:
        """Read the body strictly, or raise Unreadable. `headers` ignores case."""
        ...

    def handshake_answer(self, webhook: Webhook) -> bytes | None:
        """The body to answer at once if this is the platform's handshake."""
        ...

    def spi_client_key(self, action: str, query: QueryPairs) -> str | None:
        """The application that an SPI names in its address; None if this is no SPI at all."""
        ...

    def verify_spi(
        self, query: QueryPairs, headers: Mapping[str, str], raw: bytes, secrets: Sequence[str]
    ) -> bool:
        """Whether one of the live secrets signed this address and these bytes."""
        ...

    def read_spi(self, action: str, query: QueryPairs, raw: bytes) -> Question:
        """Read the question strictly, or raise Unreadable."""
        ...

    def load_trade_key(self, text: str) -> object:
        """A public key of the platform, as people paste it. Raises Unreadable."""
        ...

    def verify_trade(
        self, headers: Mapping[str, str], raw: bytes, app_id: str, keys: TradeKeys
    ) -> bool:
        """Whether the platform signed these bytes, for this mini-program and no other."""
        ...

    def read_trade(self, headers: Mapping[str, str], raw: bytes) -> Question:
        """Read the callback strictly, or raise Unreadable."""
        ...

    def read_question_content(self, channel: Channel, raw: bytes) -> Any:
        """The content alone, of what stands in the record."""
        ...

    def ask_of(self, question: Question, asker: Asker) -> Ask:
        """What one of our services is asked. Raises Unreadable if the content is odd."""
        ...

    def reply(self, question: Question, ask: Ask, answer: Answer, entry: TradeEntry) -> Reply:
        """The owner's answer in the platform's form."""
        ...

    def reply_without_answer(
        self, channel: Channel, verdict: Verdict, reason: str | None = None
    ) -> Reply: ...

    def account_id(self, content: object) -> str | None:
        """The merchant's id at the platform, if the content names one."""
        ...

    def order_ids(self, content: object) -> tuple[str, ...]: ...

    def sent_at(self, content: object) -> datetime | None:
        """When the platform says the message arose."""
        ...

    def personal_fields(self, event: str, content: object) -> tuple[Path, ...]:
        """Where personal data sits in the content: paths of leaves, to be sealed."""
        ...

    def observations(self, delivery: PlatformDelivery) -> tuple[Observation, ...]:
        """Translate a delivery; nothing for events that say nothing about an order."""
        ...

    def product_notice(self, delivery: PlatformDelivery) -> ProductNotice | None:
        """What a delivery says of a product's audit or shelf; nothing for all others."""
        ...

    def poi_match(self, delivery: PlatformDelivery) -> PoiMatch | None:
        """How matching a store of ours ended, if that is what the delivery is about."""
        ...

    def splits_refunds(self, channel: str | None) -> bool:
        """Whether a refund that came by this door can be allowed for some of its coupons."""
        ...

    def parse_scan(self, text: str, *, short_link_origins: Collection[str]) -> Scan:
        """Understand what was scanned or typed, or raise a Rejection."""
        ...
