"""The real access service for tests, and people, stores and terminals in it.

```python
async with running_access(await database(), nats_url) as access:
    await access.add_merchant("yihetang")
    store = await access.add_store("yihetang")
    terminal = await access.add_terminal(store)
    token = await terminal.token()
```

Other services of the same test take `access.url` and `access.master_key`.
"""

import base64
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.access.service import running
from services.access.settings import Settings
from shared.errors import Rejection
from shared.web.client import Credentials, call, client_session
from shared.web.service_token import service_credentials

MASTER_KEY = base64.b64encode(bytes(range(32))).decode()
OPERATOR_SECRET = "the operator's secret of the tests"
PASSWORD = "correct horse 42"
_numbers = count(1)


@dataclass(frozen=True)
class Terminal:
    """An enrolled device with its private key."""

    access: "Access"
    terminal_id: str
    merchant: str
    store_id: str
    key: Any

    def assertion(self, **changes: Any) -> str:
        """A fresh proof; `changes` replace claims, None leaves one out."""
        now = int(time.time())
        claims = {
            "aud": "qiao/access",
            "sub": self.terminal_id,
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid4()),
        } | changes
        kept = {name: value for name, value in claims.items() if value is not None}
        algorithm = "EdDSA" if isinstance(self.key, Ed25519PrivateKey) else "ES256"
        return jwt.encode(kept, self.key, algorithm=algorithm)

    async def token(self) -> str:
        answer = await self.access.call(
            "POST",
            f"/v1/terminals/{self.terminal_id}/token",
            body={"assertion": self.assertion()},
        )
        token: str = answer["access_token"]
        return token


@dataclass(frozen=True)
class Person:
    """Somebody who signs in with PASSWORD."""

    access: "Access"
    staff_id: str
    merchant: str
    login: str

    async def sign_in(self, password: str = PASSWORD) -> Any:
        """The answer's JSON, with access_token, role, stores and actions."""
        body = {"merchant": self.merchant, "login": self.login, "password": password}
        return await self.access.call("POST", "/v1/sign-in", body=body)

    async def token(self) -> str:
        token: str = (await self.sign_in())["access_token"]
        return token


@dataclass
class Access:
    """A running access service and what a test wants of it."""

    url: str
    session: aiohttp.ClientSession
    postgres_url: str
    master_key: str = MASTER_KEY
    operator_secret: str = OPERATOR_SECRET
    _operator: Credentials = field(init=False)

    def __post_init__(self) -> None:
        self._operator = Credentials(
            self.url, client_id="operator", client_secret=self.operator_secret
        )

    async def call(
        self, method: str, path: str, *, body: object = None, token: str | None = None
    ) -> Any:
        """The answer's JSON. Raises Rejection or Unavailable; no token where none is given."""
        return await call(self.session, method, self.url + path, body=body, token=token)

    async def as_operator(self, method: str, path: str, *, body: object = None) -> Any:
        return await self.call(method, path, body=body, token=await self.operator_token())

    async def operator_token(self) -> str:
        return await self._operator.token(self.session)

    async def service_token(self, service: str) -> str:
        key = base64.b64decode(self.master_key)
        return await service_credentials(self.url, key, service).token(self.session)

    async def add_merchant(
        self,
        merchant: str = "yihetang",
        *,
        name: str = "益禾堂",
        platform: str = "douyin",
        account_id: str | None = None,
    ) -> str:
        """Its slug."""
        body = {"merchant": merchant, "name": name, "platform": platform, "account_id": account_id}
        await self.as_operator("POST", "/v1/merchants", body=body)
        return merchant

    async def new_merchant(self) -> str:
        """The slug of one that no other test knows."""
        return await self.add_merchant(f"merchant-{next(_numbers)}")

    async def add_store(
        self,
        merchant: str = "yihetang",
        *,
        store_id: str | None = None,
        poi_id: str | None = None,
        **more: Any,
    ) -> str:
        """Its id. The merchant must exist."""
        number = next(_numbers)
        body = {
            "merchant": merchant,
            "name": f"Store {number}",
            "poi_id": poi_id or f"6{number:018}",
            **more,
        }
        if store_id is not None:
            body["store_id"] = store_id
        answer = await self.as_operator("POST", "/v1/stores", body=body)
        return str(answer["store_id"])

    async def add_staff(
        self,
        merchant: str = "yihetang",
        *,
        role: str = "owner",
        stores: list[str] | None = None,
        login: str | None = None,
    ) -> Person:
        """Added by the operator; the merchant must exist."""
        login = login or f"{role}-{next(_numbers)}"
        body = {
            "merchant": merchant,
            "login": login,
            "name": "王丽",
            "role": role,
            "stores": stores,
            "password": PASSWORD,
        }
        added = await self.as_operator("POST", "/v1/staff", body=body)
        return Person(self, added["staff_id"], merchant, login)

    async def add_terminal(
        self, store_id: str, *, name: str = "Counter", key: Any = None
    ) -> Terminal:
        """Invited by the operator, enrolled with a key of its own (Ed25519 unless given)."""
        body = {"store_id": store_id, "name": name}
        invited = await self.as_operator("POST", "/v1/terminals", body=body)
        return await self.enrol(invited["enrolment_code"], key=key)

    async def enrol(self, code: str, *, key: Any = None) -> Terminal:
        key = key or Ed25519PrivateKey.generate()
        enrolled = await self.call(
            "POST", "/v1/terminals/enrol", body={"code": code, "public_key": public_jwk(key)}
        )
        return Terminal(
            self, enrolled["terminal_id"], enrolled["merchant"], enrolled["store_id"], key
        )


def public_jwk(key: Any) -> dict[str, Any]:
    """The public half of an Ed25519 or P-256 key, as devices send it."""
    algorithm = (
        jwt.algorithms.OKPAlgorithm
        if isinstance(key, Ed25519PrivateKey)
        else jwt.algorithms.ECAlgorithm
    )
    return algorithm.to_jwk(key.public_key(), as_dict=True)


async def refusal(asked: Awaitable[Any]) -> tuple[int, str]:
    """Status and reason of a request that must be refused."""
    try:
        answer = await asked
    except Rejection as rejection:
        return rejection.status, rejection.reason
    message = f"it was not refused: {answer}"
    raise AssertionError(message)


@asynccontextmanager
async def running_access(
    postgres_url: str, nats_url: str, **settings: Any
) -> AsyncIterator[Access]:
    """Access on a free port. `settings` replace those of the tests: access_token_seconds=30 …"""
    chosen = {
        "postgres_url": postgres_url,
        "nats_url": nats_url,
        "master_key": MASTER_KEY,
        "access_port": 0,
        "access_operator_secret": OPERATOR_SECRET,
        # Tests of others send all their requests from one address.
        "access_tokens_burst": 10_000,
        "access_refusals_burst": 10_000,
    } | settings
    async with running(Settings.model_validate(chosen)) as url, client_session() as session:
        yield Access(url, session, postgres_url)
