"""From the bytes of a question to something that may be recorded and asked, or to a refusal."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.intake.domain.apps import App
from services.intake.domain.questions import Asked, make_delivery
from services.intake.handlers.directory import Directory
from services.intake.handlers.receiving import DUMMY_SECRETS, UnreadableBody, Unsigned
from shared.errors import Unreadable
from shared.platforms.platform import Platform
from shared.platforms.questions import (
    Ask,
    Asker,
    Matter,
    QueryPairs,
    Question,
    TradeEntry,
    TradeKeys,
    Verdict,
)
from shared.sealing.derivation import blind_index

_NO_ENTRY = TradeEntry("")


@dataclass(frozen=True, slots=True)
class QuestionReader:
    directory: Directory
    late_after: timedelta
    buyer_key: bytes

    def read_spi(
        self,
        platform: Platform,
        action: str,
        query: QueryPairs,
        headers: Mapping[str, str],
        raw: bytes,
    ) -> Asked:
        """Raises Unsigned (401) or UnreadableBody (400). `headers` ignores case."""
        started = asyncio.get_running_loop().time()
        client_key = platform.spi_client_key(action, query)
        app = None if client_key is None else self.directory.app(client_key)
        known = app is not None and app.platform == platform.name
        secrets = app.live_secrets(time.time()) if app is not None and known else ()
        if app is None or not platform.verify_spi(query, headers, raw, secrets):
            platform.verify_spi(query, headers, raw, DUMMY_SECRETS[len(secrets) :])
            raise Unsigned
        try:
            question = platform.read_spi(action, query, raw)
        except Unreadable as unreadable:
            raise UnreadableBody(str(unreadable)) from None
        return self._asked(app, platform, question, raw, _NO_ENTRY, started)

    def read_trade(
        self, platform: Platform, app_id: str, headers: Mapping[str, str], raw: bytes
    ) -> Asked:
        """Raises Unsigned (401) or UnreadableBody (400). `headers` ignores case."""
        started = asyncio.get_running_loop().time()
        app = self.directory.trade_app(platform.name, app_id)
        trade = None if app is None else app.trade
        keys = TradeKeys() if trade is None else trade.live_keys(time.time())
        if app is None or trade is None or not platform.verify_trade(headers, raw, app_id, keys):
            if app is None:
                platform.verify_trade(headers, raw, app_id, keys)
            raise Unsigned
        try:
            question = platform.read_trade(headers, raw)
        except Unreadable as unreadable:
            raise UnreadableBody(str(unreadable)) from None
        return self._asked(app, platform, question, raw, trade.entry, started)

    def _asked(
        self,
        app: App,
        platform: Platform,
        question: Question,
        raw: bytes,
        entry: TradeEntry,
        started: float,
    ) -> Asked:
        account_id = platform.account_id(question.content)
        merchant = self.directory.merchant_of(app, account_id)
        delivery = make_delivery(
            app,
            question,
            raw,
            merchant=merchant,
            account_id=account_id,
            late_after=self.late_after,
        )
        asker = Asker(
            merchant=merchant,
            platform=app.platform,
            client_key=app.client_key,
            account_id=account_id,
            asked_at=delivery.received_at,
            index_buyer=lambda buyer: self._index(merchant, app.platform, buyer),
        )
        # Before anybody seals what is personal in the content, which is done in place.
        ask = _translated(platform, question, asker)
        return Asked(platform, question, delivery, ask, entry, started)

    def _index(self, merchant: str, platform: str, buyer: str) -> str:
        """Another one for each merchant: nobody learns that two of them share a customer."""
        return blind_index(self.buyer_key, f"{merchant}/{platform}/{buyer}").hex()[:32]


def _translated(platform: Platform, question: Question, asker: Asker) -> Ask | Verdict:
    if question.matter is Matter.NOTICE:
        return Verdict.NOTED
    if question.matter is Matter.UNSUPPORTED:
        return Verdict.UNSUPPORTED
    try:
        return platform.ask_of(question, asker)
    except Unreadable:
        # It is signed, so it is recorded: a person can see what we did not understand.
        return Verdict.UNREADABLE
