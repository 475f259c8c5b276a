"""What each member of an event means. One name means one thing, whatever event it is in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType, NoneType
from typing import Any, get_args

from pydantic import BaseModel

ENVELOPE: Mapping[str, str] = MappingProxyType(
    {
        "specversion": "CloudEvents 版本 · version of CloudEvents",
        "id": "事件号,去重用 · the event's id: drop what you have seen",
        "source": "说话的服务 · the service that says it",
        "type": "事件类型 · the type of event",
        "subject": "此事所关之物的编号 · the id of what it is about",
        "time": "发生时间 · when it happened",
        "datacontenttype": "恒为 JSON · always JSON",
        "merchant": "商家 · the merchant",
        "version": "同一 subject 每变一次加一;小于已见者丢弃"
        " · grows by one per change of the subject: drop what is older than you have",
        "traceparent": "W3C 追踪号,从平台消息一路到核销 · W3C trace, from webhook to redemption",
        "data": "内容,见各类型 · what happened, see each type",
    }
)

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        # Ids.
        "after_sale_id": "售后单号,即平台的 · the after-sale, the platform's own id",
        "account_id": "商家在平台上的账号 · the merchant's id at the platform",
        "cancel_id": "撤销号,由调用方取名 · the taking back, named by the caller",
        "client_key": "应用 · the platform's app",
        "coupon_id": "券号(平台 certificate_id) · the platform's certificate_id",
        "coupon_ids": "券号 · the coupons",
        "granted_coupon_ids": "同意退的券 · the coupons whose refund is allowed",
        "delivery_id": "此次送达 · this delivery",
        "first_delivery_id": "同一消息号的第一次送达 · the first delivery of that message id",
        "msg_id": "平台的消息号 · the platform's message id",
        "order_id": "订单号,即平台的 · the order, the platform's own id",
        "out_order_id": "我们给此单的编号 · our own id of the order",
        "drifted_at": "发现被改的时间 · when it was found",
        "differences": "哪些与目录不符 · what differs",
        "field": "哪一项:title、shelf、skus.<sku_id>.price_fen …… · which one",
        "ours": "平台当时收下的值 · what the platform took",
        "theirs": "平台现在显示的值 · what it shows now",
        "platform_product_id": "商品在平台上的编号 · the product's id at the platform",
        "sku_ids": "所涉规格 · the SKUs of it",
        "stock_id": "规格,或其某日、某时段 · the SKU, or a day or slot of it",
        "store_ids": "适用门店,空为全部 · the stores; null: all of them",
        "third_sku_id": "规格的外部编号,平台以此问我们 · what the platform calls the SKU to us",
        "order_ids": "所涉订单 · the orders it speaks of",
        "platform_sku_id": "商品规格在平台上的编号 · the SKU's id at the platform",
        "product_id": "商品 · the product",
        "poi_id": "门店在平台上的编号 · the store's id at the platform",
        "principal": "谁 · whose tokens: `terminal:…`, `staff:…`, `client:…`",
        "outcome": (
            "accepted | refused | pending | retry | unsupported | unreadable | conflicted ·"
            " what became of it"
        ),
        "milliseconds": "从收到到答复 · from coming in to being answered",
        "answered_at": "答复时间 · when it was answered",
        "revealed_by": "谁看的 · who read it",
        "redemption_id": "核销号,由终端取名 · the attempt, named by the terminal",
        "sku_id": "商品规格 · the SKU",
        "store_id": "门店 · the store",
        "terminal_id": "终端 · the terminal",
        "verify_id": "平台的核销号 · the platform's id of the redemption",
        # Money: whole fen.
        "original_amount_fen": "原价(分) · list price in fen",
        "amount_fen": "申请退款金额(分),平台未说则为空 · asked back, in fen; null until it says",
        "refund_amount_fen": "此券已退(分),平台未说则为空"
        " · refunded for this coupon, in fen; null until it says",
        "original_price_fen": "规格原价(分) · list price of one piece, in fen",
        "price_fen": "规格售价(分) · price of one piece, in fen",
        "pay_amount_fen": "实付(分) · paid, in fen",
        "refunded_amount_fen": "已退(分) · refunded so far, in fen",
        # Times: RFC 3339, UTC.
        "cancel_until": "在此之前可撤销 · can be taken back until then",
        "answer_until": "平台等我们答复到何时;过时自动通过"
        " · until when the platform waits for our answer; then it passes by itself",
        "asked_at": "申请时间 · when it was asked for",
        "decided_at": "决定时间,未决定则为空 · when it was decided, null until then",
        "cancelled_at": "撤销时间 · when it was taken back",
        "changed_at": "此券最近变化 · when this coupon last changed",
        "created_at": "下单时间 · when it was ordered",
        "disputed_at": "平台不认的时间 · when the platform turned it down",
        "enrolled_at": "登记时间 · when it was enrolled",
        "issued_at": "发券时间 · when the coupon was issued",
        "paid_seen_at": "得知付款的时间 · when we learnt of the payment",
        "sale_from": "开售时间,空为不限 · on sale from then; null: no limit",
        "sale_to": "在此之前可买 · on sale before then; null: no limit",
        "paid_at": "支付时间 · when it was paid",
        "received_at": "收到时间 · when it reached us",
        "redeemed_at": "核销时间(平台时钟) · when it was spent, by the platform's clock",
        "refused_at": "拒绝时间 · when it was refused",
        "revealed_at": "查看时间 · when it was read",
        "revoked_at": "在此之前签发的令牌作废 · tokens issued before are void",
        "since": "何时起无回答 · unanswered since then",
        "valid_from": "何时起可用,空为不限 · usable from then on; null: no limit",
        "valid_to": "在此之前可用,空为不限 · usable before then; null: no limit",
        # What it is.
        "content": "平台消息的内容,原样 · the platform's content as it came",
        "contradicted": "说法互相矛盾 · what was said contradicts itself",
        "coupon_count": "券数,平台未说则为空 · how many coupons; null until it says",
        "coupons": "每张券的状态 · each coupon's state",
        "decided_by": "谁决定的:`rules`、`platform` 或某人"
        " · who decided: `rules`, `platform`, or a person's or program's id",
        "event": "平台的事件名 · the platform's name of the event",
        "kept": "券在我们这里仍算已核销 · it stays spent here; if not, it was taken back",
        "late": "平台时间过旧(只是标记) · older than retries explain: a flag, never a refusal",
        "merchant": "商家 · the merchant",
        "name": "名称 · the name",
        "open": "营业中 · open for business",
        "platform": "平台 · the platform",
        "previous_state": "此前状态,首次为空 · the state before, null at first",
        "reason": "原因;拒绝时为 redemption.md 中的代码,店员写的话是封存的"
        " · why: of a refusal a code of redemption.md; a clerk's own words are sealed",
        "state": "现在的状态 · the state now",
        "step": "`redeem` 核销或 `cancel` 撤销 · redeeming or taking back",
        "time_zone": "门店时区 · the store's time zone",
        "times": "次数:此次核销用了几次,规格则为可用几次"
        " · uses: how many this was; of a SKU, how many a coupon has",
        "times_left": "还剩几次,平台的券为空 · uses left; null for coupons of the platform",
        "times_total": "总次数 · how often it can be used",
        "title": "商品名 · what was bought",
        # Products and their rules.
        "admits": "一张票可入几人 · how many people a ticket lets in",
        "after_expiry": "过期后退款 · a refund after expiry",
        "before_use": "未使用退款 · a refund before any use",
        "blackouts": "不可用的日期段 · days on which it cannot be used",
        "code_origin": "券码由谁生成 · who makes the code",
        "dates": "可用日期段 · the days on which it can be used",
        "day": "哪一天的 · for which day",
        "days_after_purchase": "购买后几天内可用,购买日算第一天"
        " · days of use, that of purchase being the first",
        "end": "到此刻之前,早于开始则为次日"
        " · until just before; the next day's if it is before the start",
        "first": "首日 · the first day",
        "held": "已占未付 · held for orders that are not paid",
        "hours": "每日可用时段,空为全天 · hours of the day; none: all of it",
        "kind": "商品类型 · the kind of product",
        "last": "末日,含 · the last day, included",
        "partly_used": "用过一部分后退款 · a refund after some uses",
        "per_buyer_max": "每人限购,空为不限 · so many for each buyer; null: no limit",
        "period_days": "以几天为一周期 · days of a period",
        "refund": "退款规则 · rules of refund",
        "restock_on_refund": "退款后是否再卖 · whether what was refunded is sold again",
        "skus": "规格 · its SKUs",
        "slot": "哪个时段的 · for which slot of the day",
        "sold": "已付款 · paid for",
        "start": "从此刻起 · from then on",
        "stock_by": "库存按规格、按日或按时段计 · stock by SKU, by day or by slot",
        "total": "总库存,空为不限 · all there is; null: without limit",
        "usage": "使用规则;规格自有者优先 · rules of use; a SKU's own go before",
        "uses_per_day": "次卡每日几次 · uses of a times card on a day",
        "uses_per_period": "次卡每周期几次 · uses of a times card in a period",
        "weekdays": "可用星期,1 为周一,空为每天 · weekdays, Monday is 1; none: every day",
    }
)


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a table of members."""

    path: str
    type: str
    optional: bool
    meaning: str


def fields_of(model: type[BaseModel], *, within: str = "") -> Iterator[Field]:
    """The members of a model, those of what it holds after it."""
    for name, info in model.model_fields.items():
        held = _model_in(info.annotation)
        kind = _type_name(model, name)
        many = kind.startswith("array")
        yield Field(within + name, kind, _may_be_none(info.annotation), MEANINGS[name])
        if held is not None:
            yield from fields_of(held, within=f"{within}{name}{'[]' if many else ''}.")


def _may_be_none(annotation: object) -> bool:
    return NoneType in get_args(annotation)


def _model_in(annotation: object) -> type[BaseModel] | None:
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _type_name(model: type[BaseModel], name: str) -> str:
    schema = model.model_json_schema(mode="serialization")
    return _describe(schema["properties"][name], schema.get("$defs", {}))


def _describe(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """A JSON schema in a word or two. Any: JSON schemas are free-form."""
    if "$ref" in schema:
        return _describe(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "enum" in schema:
        return " \\| ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        parts = (part for part in schema["anyOf"] if part.get("type") != "null")
        return " \\| ".join(_describe(part, definitions) for part in parts)
    if schema.get("type") == "array":
        return f"array of {_describe(schema['items'], definitions)}"
    kind = str(schema.get("type", "any"))
    return {"date-time": "time", "uuid": "uuid"}.get(schema.get("format", ""), kind)
