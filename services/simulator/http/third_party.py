"""What merchants with codes of their own report: codes they issued, refunds they decided."""

from pydantic import BaseModel, ConfigDict, Field

from services.simulator.domain import shapes
from services.simulator.domain.faults import CallKind
from services.simulator.domain.fields import Text, TextOrEmpty, own_id
from services.simulator.handlers import auditing, issuing
from services.simulator.http.calling import Call, platform_routes
from services.simulator.http.reading import read_model

_CODES_MAX = 1000


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")


class CreateCallbackBody(_Body):
    order_id: Text
    third_order_id: TextOrEmpty = ""
    codes: list[TextOrEmpty] = Field(default_factory=list, max_length=_CODES_MAX)
    # The SDK calls it a string, the page a number.
    result: int = Field(ge=1, le=2)
    fail_reason: TextOrEmpty = ""


class AuditedCertificate(_Body):
    certificate_id: TextOrEmpty = ""
    code: TextOrEmpty = ""


class RefundAuditBody(_Body):
    after_sale_id: Text
    result: int
    reason: TextOrEmpty = ""
    certificate_id: TextOrEmpty = ""
    code: TextOrEmpty = ""
    certificate: list[AuditedCertificate] = Field(default_factory=list, max_length=_CODES_MAX)


async def post_create_callback(call: Call) -> shapes.Json:
    body = read_model(call.raw, CreateCallbackBody)
    return await issuing.report(
        call.world,
        call.client_key,
        order_id=body.order_id,
        codes=body.codes,
        result=body.result,
        third_order_id=body.third_order_id,
    )


async def post_refund_audit(call: Call) -> shapes.Json:
    body = read_model(call.raw, RefundAuditBody)
    named = [*body.certificate, AuditedCertificate(**body.model_dump())]
    await auditing.audit(
        call.world,
        call.client_key,
        after_sale_id=own_id(body.after_sale_id),
        result=body.result,
        reason=body.reason,
        codes={one.certificate_id: one.code for one in named if one.code},
        named=[one.certificate_id for one in named if one.certificate_id],
    )
    return {}


THIRD_PARTY_ROUTES = (
    *platform_routes(
        CallKind.CREATE_CALLBACK,
        "POST",
        "/goodlife/v1/fulfilment/create/callback/",
        post_create_callback,
    ),
    *platform_routes(
        CallKind.REFUND_AUDIT, "POST", "/goodlife/v1/fulfilment/refund/audit/", post_refund_audit
    ),
)
