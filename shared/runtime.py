"""Runs a service until it is told to stop, and the settings that every service has."""

import asyncio
import base64
import contextlib
import gc
import signal
import sys
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, Literal, TypeVar

import structlog
import uvloop
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.logging import configure_logging

_MASTER_KEY_BYTES = 32
# Python's own 700 spends one part in twenty of a busy service on looking for cycles.
_COLLECT_AFTER_ALLOCATIONS = 20_000
SettingsOf = TypeVar("SettingsOf", bound="CommonSettings")

log = structlog.get_logger()


def _is_master_key(value: SecretStr) -> SecretStr:
    try:
        right = len(base64.b64decode(value.get_secret_value())) == _MASTER_KEY_BYTES
    except ValueError:
        right = False
    if not right:
        message = "must be the base64 of 32 random bytes: openssl rand -base64 32"
        raise ValueError(message)
    return value


class CommonSettings(BaseSettings):
    """What every service is told by its environment, all with the prefix `QIAO_`."""

    model_config = SettingsConfigDict(env_prefix="QIAO_", frozen=True, extra="ignore")

    postgres_url: SecretStr = Field(default=SecretStr("postgresql://localhost/qiao"))
    nats_url: str = "nats://127.0.0.1:7022"
    host: str = "127.0.0.1"
    master_key: Annotated[SecretStr, AfterValidator(_is_master_key)]
    access_url: str = "http://127.0.0.1:7004"
    # Whom a platform's questions are passed on to.
    orders_url: str = "http://127.0.0.1:7002"
    redemption_url: str = "http://127.0.0.1:7003"
    catalog_url: str = "http://127.0.0.1:7005"
    log_format: Literal["auto", "json", "console"] = "auto"
    # Each process answers 503 to connections beyond this, or beyond what its files allow.
    connections_max: int = Field(default=2000, ge=10)
    postgres_pool_max: int = Field(default=10, ge=2, le=200)

    @property
    def master_key_bytes(self) -> bytes:
        return base64.b64decode(self.master_key.get_secret_value())


def load(model: type[SettingsOf]) -> SettingsOf:
    """Read the settings, or end with one line per variable that is missing or wrong."""
    try:
        return model()
    except ValidationError as error:
        prefix = str(model.model_config.get("env_prefix", ""))
        for item in error.errors(include_input=False, include_url=False):
            name = prefix + "_".join(map(str, item["loc"]))
            sys.stderr.write(f"{name.upper()}: {item['msg']}\n")
        sys.exit(2)


def run_service(
    service: str, settings: CommonSettings, running: AbstractAsyncContextManager[str]
) -> None:
    """Run until SIGINT or SIGTERM; a failing part ends the process with status 1."""
    configure_logging(service, form=settings.log_format)
    try:
        run(_until_stopped(running))
    except BaseExceptionGroup:
        log.exception("service_failed")
        sys.exit(1)


def run(main: Coroutine[Any, Any, None]) -> None:
    """asyncio.run on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


async def _until_stopped(running: AbstractAsyncContextManager[str]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    starting = asyncio.create_task(stop.wait())
    if main is not None:
        # A stop during the start cancels the start; afterwards it only ends the wait.
        starting.add_done_callback(lambda task: None if task.cancelled() else main.cancel())
    with contextlib.suppress(asyncio.CancelledError):
        async with running as address:
            starting.cancel()
            _relieve_collector()
            log.info("service_ready", address=address)
            await stop.wait()
            log.info("service_stopping")


def _relieve_collector() -> None:
    """What has been made so far lives as long as we do; requests leave few cycles behind."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER_ALLOCATIONS, 20, 20)
