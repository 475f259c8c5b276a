"""The OpenAPI: one function a path."""

from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.simulator.domain import shapes
from services.simulator.domain.asked import AskedCode, VerifyPart, VerifyRequest
from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.encryption import Purpose
from services.simulator.domain.faults import CallKind
from services.simulator.domain.fields import Int64, Text, TextOrEmpty
from services.simulator.handlers import apps, cancelling, looking_up
from services.simulator.handlers.cancelling import AskedCancel, AskedUses, CancelRequest
from services.simulator.handlers.preparing import PrepareRequest
from services.simulator.http.calling import Call, platform_routes
from services.simulator.http.reading import (
    read_list,
    read_model,
    read_number,
    read_place,
    read_required,
    read_window,
)

_CERTIFICATE = "/goodlife/v1/fulfilment/certificate"
_CODES_MAX = 100
_USES_MAX = 10_000
_RECORDS_MAX = 20
_ORDERS_MAX = 100
_ORDERS_DEFAULT = 20


def _absent(value: object) -> object:
    return None if value in {"", "0", 0} else value


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) else _absent(value)


Id = Annotated[Int64 | None, BeforeValidator(_absent)]
CertificateId = Annotated[Text | None, BeforeValidator(_text)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")


class TokenBody(_Body):
    client_key: Text
    client_secret: Text = Field(repr=False)
    grant_type: str


class CodeWithTime(_Body):
    """One use of a times card; the time is when it was used, where that was offline."""

    code: TextOrEmpty
    serial_num: int | None = Field(default=None, ge=0, le=10_000)


class VerifyExtra(_Body):
    total_verify: bool = False


class VerifyBody(_Body):
    verify_token: Text
    encrypted_codes: list[str] = Field(default_factory=list, max_length=_CODES_MAX)
    # Those that the merchant issued; they need the order's id.
    codes: list[TextOrEmpty] = Field(default_factory=list, max_length=_CODES_MAX)
    code_with_time_list: list[CodeWithTime] = Field(default_factory=list, max_length=_CODES_MAX)
    order_id: TextOrEmpty | None = None
    poi_id: TextOrEmpty = ""
    verify_extra: VerifyExtra | None = None


class BatchVerifyBody(_Body):
    certificate_batch_verify_list: list[VerifyBody] = Field(min_length=1, max_length=_CODES_MAX)
    poi_id: Text


class CancelBatch(_Body):
    order_id: Id = None
    verify_id_list: list[Int64] = Field(min_length=1, max_length=_CODES_MAX)


class CancelBody(_Body):
    verify_id: Id = None
    certificate_id: CertificateId = None
    # Of a times card, with the verify_id "0".
    times_card_cancel_count: Id = None
    shop_order_id: TextOrEmpty | None = None
    cancel_token: TextOrEmpty | None = None
    batch_cancel_info: CancelBatch | None = None
    batch_cancel_info_list: list[CancelBatch] = Field(default_factory=list, max_length=_CODES_MAX)


class EventStatus(_Body):
    event: str
    status: int = Field(ge=0, le=1)


class EventStatusBody(_Body):
    list: list[EventStatus]


async def post_client_token(call: Call) -> shapes.Json:
    return await _token(call, stable=False)


async def post_stable_client_token(call: Call) -> shapes.Json:
    return await _token(call, stable=True)


async def _token(call: Call, *, stable: bool) -> shapes.Json:
    try:
        body = read_model(call.raw, TokenBody)
    except PlatformError:
        raise PlatformError(Code.BAD_GRANT) from None
    if body.grant_type != "client_credential":
        raise PlatformError(Code.BAD_GRANT)
    token, seconds = await apps.issue_token(
        call.world, client_key=body.client_key, client_secret=body.client_secret, stable=stable
    )
    return {"access_token": token, "expires_in": seconds}


async def get_prepare(call: Call) -> shapes.Json:
    query = call.request.query
    poi_id = read_required(call.request, "poi_id")
    encrypted, code = query.get("encrypted_data"), query.get("code")
    if not encrypted and not code:
        raise PlatformError(Code.NO_CODE)
    certificate_id = call.world.cipher.open(encrypted, Purpose.SCAN) if encrypted else None
    if encrypted and certificate_id is None:
        raise PlatformError(Code.UNREADABLE_CODE)
    if code and not (code.isascii() and code.isdecimal()):
        raise PlatformError(Code.UNKNOWN_COUPON)
    return await call.edge.preparing.ask(
        PrepareRequest(call.client_key, poi_id, certificate_id, None if encrypted else code)
    )


async def post_verify(call: Call) -> shapes.Json:
    body = read_model(call.raw, VerifyBody)
    if not body.poi_id:
        raise PlatformError(Code.BAD_PARAMETER, "缺少参数poi_id")
    return await _verify(call, VerifyRequest(call.client_key, body.poi_id, [_part(call, body)]))


async def post_batch_verify(call: Call) -> shapes.Json:
    body = read_model(call.raw, BatchVerifyBody)
    tokens = {part.verify_token for part in body.certificate_batch_verify_list}
    if len(tokens) < len(body.certificate_batch_verify_list):
        raise PlatformError(Code.BAD_PARAMETER, "verify_token重复")
    parts = [_part(call, part) for part in body.certificate_batch_verify_list]
    return await _verify(call, VerifyRequest(call.client_key, body.poi_id, parts))


async def _verify(call: Call, request: VerifyRequest) -> shapes.Json:
    answer = await call.edge.verifying.ask(request)
    call.world.ring()
    return answer


def _part(call: Call, body: VerifyBody) -> VerifyPart:
    given = [AskedCode(code, None) for code in [*body.encrypted_codes, *body.codes]]
    given += [AskedCode(one.code, None, one.serial_num) for one in body.code_with_time_list]
    if not any(asked.given for asked in given):
        raise PlatformError(Code.NO_CODE)
    is_total = body.verify_extra is not None and body.verify_extra.total_verify
    opened = [
        replace(asked, certificate_id=call.world.cipher.open(asked.given, Purpose.VERIFY))
        for asked in given
    ]
    if body.encrypted_codes or any(asked.certificate_id for asked in opened):
        return VerifyPart(body.verify_token, opened, body.order_id, is_total=is_total)
    if not body.order_id:
        raise PlatformError(Code.BAD_PARAMETER, "三方码核销缺少参数order_id")
    return VerifyPart(
        body.verify_token, given, body.order_id, is_merchant_coded=True, is_total=is_total
    )


async def post_cancel(call: Call) -> shapes.Json:
    body = read_model(call.raw, CancelBody)
    batches = [*body.batch_cancel_info_list]
    if body.batch_cancel_info is not None:
        batches.append(body.batch_cancel_info)
    asked = [
        AskedCancel(verify_id, order_id=batch.order_id)
        for batch in batches
        for verify_id in batch.verify_id_list
    ]
    if not batches and body.verify_id is not None:
        asked = [AskedCancel(body.verify_id, certificate_id=body.certificate_id)]
    uses = None
    if not asked and body.certificate_id is not None and body.times_card_cancel_count is not None:
        uses = AskedUses(body.certificate_id, min(body.times_card_cancel_count, _USES_MAX))
    if (not asked and uses is None) or len({one.verify_id for one in asked}) < len(asked):
        raise PlatformError(Code.BAD_PARAMETER)
    request = CancelRequest(call.client_key, body.cancel_token, asked, uses)
    async with call.world.pool.acquire() as conn, conn.transaction():
        answer = await cancelling.cancel(call.world, conn, request)
    call.world.ring()
    return answer


async def get_certificate(call: Call) -> shapes.Json:
    code = read_required(call.request, "encrypted_code")
    async with call.world.pool.acquire() as conn:
        return await looking_up.certificate_get(
            call.world, conn, client_key=call.client_key, certificate_id=_opened(call, code)
        )


async def query_certificates(call: Call) -> shapes.Json:
    code = call.request.query.get("encrypted_code")
    order_id = read_number(call.request.query.get("order_id"))
    if not code and order_id is None:
        raise PlatformError(Code.NOTHING_ASKED)
    async with call.world.pool.acquire() as conn:
        return await looking_up.certificate_query(
            call.world,
            conn,
            client_key=call.client_key,
            certificate_id=_opened(call, code) if code else None,
            order_id=order_id,
        )


def _opened(call: Call, code: str) -> int:
    certificate_id = call.world.cipher.open(code, Purpose.VERIFY, Purpose.SCAN)
    if certificate_id is None:
        raise PlatformError(Code.UNREADABLE_CODE)
    return certificate_id


async def query_verify_records(call: Call) -> shapes.Json:
    window = read_window(call.request, "start_time", "end_time")
    query = looking_up.RecordQuery(
        account_id=read_required(call.request, "account_id"),
        size=read_number(call.request.query.get("size"), least=1, most=_RECORDS_MAX)
        or _RECORDS_MAX,
        before=read_place(call.request.query.get("cursor", "0").split("-")),
        window=window,
        poi_ids=read_list(call.request, "poi_ids"),
    )
    async with call.world.pool.acquire() as conn:
        return await looking_up.verify_records(
            call.world, conn, client_key=call.client_key, query=query
        )


async def query_orders(call: Call) -> shapes.Json:
    given = call.request.query
    if given.get("order_status") or given.get("ext_order_id"):
        raise PlatformError(Code.BAD_PARAMETER, "the simulator does not filter by this")
    query = looking_up.OrderQuery(
        account_id=read_required(call.request, "account_id"),
        order_id=read_number(given.get("order_id")),
        created=read_window(call.request, "create_order_start_time", "create_order_end_time"),
        updated=read_window(call.request, "update_order_start_time", "update_order_end_time"),
        open_id=given.get("open_id", "").replace("\x00", "") or None,
        page_num=read_number(given.get("page_num"), least=1) or 1,
        page_size=read_number(given.get("page_size"), least=1, most=_ORDERS_MAX) or _ORDERS_DEFAULT,
        after=read_place(read_list(call.request, "cursor")),
    )
    async with call.world.pool.acquire() as conn:
        return await looking_up.order_query(conn, client_key=call.client_key, query=query)


async def list_event_status(call: Call) -> shapes.Json:
    return {"list": await apps.event_statuses(call.world, call.client_key)}


async def update_event_status(call: Call) -> shapes.Json:
    body = read_model(call.raw, EventStatusBody)
    statuses = [(one.event, one.status) for one in body.list]
    await apps.update_event_statuses(call.world, call.client_key, statuses)
    return {}


PLATFORM_ROUTES = (
    *platform_routes(
        CallKind.TOKEN, "POST", "/oauth/client_token/", post_client_token, with_token=False
    ),
    *platform_routes(
        CallKind.TOKEN,
        "POST",
        "/oauth/stable_client_token/",
        post_stable_client_token,
        with_token=False,
    ),
    *platform_routes(CallKind.PREPARE, "GET", f"{_CERTIFICATE}/prepare/", get_prepare),
    *platform_routes(CallKind.VERIFY, "POST", f"{_CERTIFICATE}/verify/", post_verify),
    *platform_routes(
        CallKind.BATCH_VERIFY, "POST", f"{_CERTIFICATE}/batch_verify/", post_batch_verify
    ),
    *platform_routes(CallKind.CANCEL, "POST", f"{_CERTIFICATE}/cancel/", post_cancel),
    *platform_routes(CallKind.GET, "GET", f"{_CERTIFICATE}/get/", get_certificate),
    *platform_routes(CallKind.QUERY, "GET", f"{_CERTIFICATE}/query/", query_certificates),
    *platform_routes(
        CallKind.VERIFY_RECORD, "GET", f"{_CERTIFICATE}/verify_record/query/", query_verify_records
    ),
    *platform_routes(CallKind.ORDER_QUERY, "GET", "/goodlife/v1/trade/order/query/", query_orders),
    *platform_routes(CallKind.EVENT_STATUS, "GET", "/event/status/list/", list_event_status),
    *platform_routes(CallKind.EVENT_STATUS, "POST", "/event/status/update/", update_event_status),
)
