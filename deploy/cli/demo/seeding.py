"""Makes the demo's merchants, stores, apps, people and terminals, each only where it is missing."""

import asyncio
import contextlib
import fcntl
import secrets
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from deploy.cli import problems
from deploy.cli.demo import world
from deploy.cli.demo.goods import goods, put_on_shelf
from deploy.cli.demo.world import App, Merchant, Store
from deploy.cli.system import Qiao, default_data
from deploy.cli.terminal_key import TerminalKey, read_key_file, write_key_file
from deploy.cli.terminals import enrol
from deploy.embedded.data import write_private
from deploy.embedded.problems import Problem
from shared.errors import Rejection, Unavailable
from shared.web.client import call

# Services hear of each other by event: what is missing a moment after the start comes soon.
_PATIENCE_SECONDS = 30.0
_AGAIN_SECONDS = 0.25
_NOT_YET = frozenset({"not_found", "merchant_unknown", "unknown_merchant", "handshake_failed"})
_SECRET_BYTES = 16
_CONFLICT = 409
_PASSWORD_GROUPS = 4
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class Folder:
    """Where the demo keeps its secrets, beside those of `qiao up`."""

    def __init__(self, root: Path) -> None:
        self.secrets = root / "secrets"
        self.terminals = root / "demo" / "terminals"
        self.rehearsal_file = root / "demo" / "rehearsal"

    @classmethod
    def of(cls, qiao: Qiao) -> "Folder":
        data = qiao.system.data
        return cls(data.root if data is not None else default_data().absolute())

    def create(self) -> None:
        for folder in (self.secrets, self.terminals):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def secret(self, name: str, make: Callable[[], str]) -> str:
        """The same as last time, or a new one that only we may read."""
        file = self.secrets / name
        if not file.exists():
            write_private(file, make() + "\n")
        return file.read_text().strip()

    @contextlib.contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Keep the demo's own orders away meanwhile; raises Problem if somebody else rehearses."""
        self.terminals.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.rehearsal_file.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise problems.already_rehearsing() from None
            yield

    def rehearsing(self) -> bool:
        """Whether a rehearsal is going on; the kernel frees the lock however it ends."""
        with self.rehearsal_file.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


async def seed(qiao: Qiao) -> dict[str, str]:
    """Make what is missing; return how a person signs in."""
    folder = Folder.of(qiao)
    folder.create()
    for merchant in world.MERCHANTS:
        await _merchant(qiao, merchant)
    for app in world.APPS:
        await _app(qiao, app, folder)
    password = folder.secret("demo_password", _new_password)
    await _owner(qiao, password)
    await asyncio.gather(
        *(
            _terminal(qiao, store, number, folder)
            for store in world.stores()
            for number in range(1, store.terminals + 1)
        )
    )
    for one in goods(datetime.now().astimezone().date()):
        await _patiently(partial(put_on_shelf, qiao, one))
    return {
        "merchant": world.OWNER_MERCHANT,
        "login": world.OWNER_LOGIN,
        "password": password,
    }


async def _merchant(qiao: Qiao, merchant: Merchant) -> None:
    body = {
        "merchant": merchant.merchant,
        "name": merchant.name,
        "platform": world.PLATFORM,
        "account_id": merchant.account_id,
    }
    await _keep_known(qiao.access.call("POST", "/v1/merchants", body=body))
    for store in merchant.stores:
        body = {
            "merchant": merchant.merchant,
            "store_id": store.store_id,
            "name": store.name,
            "poi_id": store.poi_id,
        }
        await _keep_known(qiao.access.call("POST", "/v1/stores", body=body))


async def _app(qiao: Qiao, app: App, folder: Folder) -> None:
    """Known to intake first: the platform proves the address before it sends anything."""
    secret = folder.secret(f"demo_app_{app.client_key}", lambda: secrets.token_hex(_SECRET_BYTES))
    body = {
        "client_key": app.client_key,
        "merchant": app.owner,
        "name": "demo",
        "platform": world.PLATFORM,
        "kind": app.kind,
        "secret": secret,
    }

    async def add() -> None:
        await _keep_known(qiao.intake.call("POST", "/v1/apps", body=body))

    await _patiently(add)
    await _patiently(lambda: _register_at_simulator(qiao, app, secret))


async def _register_at_simulator(qiao: Qiao, app: App, secret: str) -> None:
    intake = qiao.system.address("intake")
    body = {
        "client_key": app.client_key,
        "client_secret": secret,
        "webhook_url": f"{intake}/webhooks/{world.PLATFORM}/{app.client_key}",
        "merchants": [_at_simulator(world.merchant_named(slug)) for slug in app.serves],
    }
    await call(qiao.session, "POST", f"{qiao.system.address('simulator')}/sim/v1/apps", body=body)


def _at_simulator(merchant: Merchant) -> dict[str, Any]:
    return {
        "account_id": merchant.account_id,
        "name": merchant.name,
        "pois": [{"poi_id": store.poi_id, "name": store.name} for store in merchant.stores],
    }


async def _owner(qiao: Qiao, password: str) -> None:
    body = {
        "merchant": world.OWNER_MERCHANT,
        "login": world.OWNER_LOGIN,
        "name": world.OWNER_NAME,
        "role": "owner",
        "password": password,
    }
    await _keep_known(qiao.access.call("POST", "/v1/staff", body=body))


async def _terminal(qiao: Qiao, store: Store, number: int, folder: Folder) -> TerminalKey:
    file = folder.terminals / f"{store.store_id}-{number}.json"
    known = await _working_key(qiao, file)
    if known is not None:
        return known
    body = {"store_id": store.store_id, "name": f"{number} 号收银机"}
    invitation = await qiao.access.call("POST", "/v1/terminals", body=body)
    key = await enrol(qiao, invitation["enrolment_code"])
    write_key_file(file, key, replace=True)
    return key


async def _working_key(qiao: Qiao, file: Path) -> TerminalKey | None:
    """The key of an earlier run, unless the terminal is gone or the ports have changed."""
    try:
        key = read_key_file(file)
        await key.token(qiao.session)
    except (Problem, Rejection):
        return None
    except Unavailable:
        # The address in the file is of another --port-base.
        return None
    moved = key.redemption_url != qiao.system.address("redemption")
    return None if moved else key


async def _keep_known(adding: Awaitable[Any]) -> None:
    """What is there already stays as it is: whoever renamed a demo store keeps the new name."""
    try:
        await adding
    except Rejection as rejection:
        if rejection.status != _CONFLICT:
            raise


async def _patiently(work: Callable[[], Awaitable[None]]) -> None:
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    while True:
        try:
            await work()
        except (Rejection, Unavailable) as failure:
            hopeless = isinstance(failure, Rejection) and failure.reason not in _NOT_YET
            if hopeless or asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(_AGAIN_SECONDS)
        else:
            return


def _new_password() -> str:
    """Easy to read out, hard to guess: about 79 bits."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(_PASSWORD_GROUPS))
    return "-".join(groups)


async def ensure_terminals(qiao: Qiao, count: int) -> list[TerminalKey]:
    """At least so many tills, spread over the demo's stores; those of earlier runs first."""
    folder = Folder.of(qiao)
    stores = world.stores()
    wanted = [
        (store, number)
        for number in range(1, count + 1)
        for store in stores
        if number <= store.terminals or (number - 1) * len(stores) < count
    ]
    return list(
        await asyncio.gather(*(_terminal(qiao, store, number, folder) for store, number in wanted))
    )
