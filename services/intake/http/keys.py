"""What the routes need, under one typed key."""

from dataclasses import dataclass

from aiohttp import web

from services.intake.handlers.answering import Answerer
from services.intake.handlers.apps import Apps
from services.intake.handlers.asking import QuestionReader
from services.intake.handlers.counts import Counts
from services.intake.handlers.directory import Directory
from services.intake.handlers.queue import CommitQueue
from services.intake.handlers.receiving import Receiver
from services.intake.handlers.tokens import Tokens
from services.intake.handlers.trade_keys import TradeApps
from shared.sealing.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Intake:
    receiver: Receiver
    questions: QuestionReader
    answerer: Answerer
    queue: CommitQueue
    counts: Counts
    directory: Directory
    apps: Apps
    trade_apps: TradeApps
    tokens: Tokens
    keyring: Keyring
    body_bytes_max: int


INTAKE = web.AppKey("INTAKE", Intake)
