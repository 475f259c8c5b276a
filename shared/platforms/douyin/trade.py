"""The callbacks of Douyin's mini-program trading: which there are, signatures, reading.

Versions 1.0, 2.0 and 3.0 come as `{"version","msg","type"}` signed with the platform's RSA key,
the older guaranteed payments as `{"timestamp","nonce","msg","type","msg_signature"}` signed with
a token. The content in the record is `msg`, parsed.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from shared.errors import Unreadable
from shared.platforms.douyin import signatures
from shared.platforms.douyin.webhooks import MAX_BODY_BYTES, read_time
from shared.platforms.questions import Channel, Matter, Pace, Question, TradeKeys
from shared.strict_json import is_flat, read_json

SIGNATURE_HEADER = "Byte-Signature"
TIMESTAMP_HEADER = "Byte-Timestamp"
NONCE_HEADER = "Byte-Nonce-Str"
_KEY_BITS_MIN = 2048
# By these names our own services know where a later answer has to go.
_FORMS = {"1.0": "trade_v1", "2.0": "trade_v2", "3.0": "trade_v3"}
_OLDER_FORM = "trade_ecpay"
_TYPE = re.compile(r"[A-Za-z0-9_]{1,60}", re.ASCII)


class Callback(NamedTuple):
    """One row of the table."""

    matter: Matter
    zh: str
    en: str
    pace: Pace = Pace.ORDINARY


_NOTICE, _UNSUPPORTED = Matter.NOTICE, Matter.UNSUPPORTED

TRADES: Mapping[str, Callback] = MappingProxyType(
    {
        "pre_create_order": Callback(Matter.ORDER, "预下单", "before an order", Pace.QUICK),
        "pre_create_refund": Callback(Matter.REFUND, "退款申请", "a refund is asked for"),
        "payment": Callback(_NOTICE, "支付结果", "paid, or given up"),
        "refund": Callback(_NOTICE, "退款结果", "refunded, or not"),
        "settle": Callback(_NOTICE, "结算结果", "settled"),
        "coupon_verify": Callback(_NOTICE, "券核销", "a coupon is used"),
        "coupon_verify_cancel": Callback(_NOTICE, "券撤销核销", "a use is taken back"),
        "sign_pay_callback": Callback(_NOTICE, "代扣签约结果", "a standing order is signed"),
        # Only their names are known.
        "query_marketing_info": Callback(_UNSUPPORTED, "查询营销信息", "which offers apply"),
        "calculate_price": Callback(_UNSUPPORTED, "计算价格", "what it costs"),
        "create_merchant": Callback(_UNSUPPORTED, "开通商户", "a merchant is registered"),
    }
)


def event_of(kind: str) -> str:
    return f"{Channel.TRADE}_{kind}"


def load_public_key(text: str) -> RSAPublicKey:
    """Raises Unreadable with what is wrong."""
    try:
        key = signatures.load_public_key(text)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Unreadable("this is no RSA public key; expected PEM or its Base64") from None
    if key.key_size < _KEY_BITS_MIN:
        raise Unreadable(f"a key of {key.key_size} bits; expected {_KEY_BITS_MIN} or more")
    return key


def verify(headers: Mapping[str, str], raw: bytes, app_id: str, keys: TradeKeys) -> bool:
    """Whether the platform signed these bytes for this mini-program.

    One platform key may sign for several: the message itself says for which.
    """
    signature = headers.get(SIGNATURE_HEADER)
    if signature is None:
        signed = _verify_older(raw, keys.tokens)
    else:
        signed = signatures.verify_bytes(
            signature,
            timestamp=headers.get(TIMESTAMP_HEADER, ""),
            nonce=headers.get(NONCE_HEADER, ""),
            raw=raw,
            # As much work whether or not there is such a mini-program.
            keys=_rsa_keys(keys) or (_no_ones_key(),),
        )
    return signed and _is_for(raw, app_id)


def read(headers: Mapping[str, str], raw: bytes) -> Question:
    """Raises Unreadable unless the body and its `msg` are as documented."""
    body = _read_envelope(raw)
    kind = body.get("type")
    if not isinstance(kind, str) or _TYPE.fullmatch(kind) is None:
        raise Unreadable("the body names no type")
    row = TRADES.get(kind)
    sent = headers.get(TIMESTAMP_HEADER) or body.get("timestamp")
    return Question(
        channel=Channel.TRADE,
        event=event_of(kind),
        matter=_UNSUPPORTED if row is None else row.matter,
        pace=Pace.ORDINARY if row is None else row.pace,
        content=_message(body, flat=is_flat(raw)),
        sent_at=read_time(sent),
        form=_form(body),
        known=row is not None,
    )


def _form(body: Mapping[str, Any]) -> str | None:
    version = body.get("version")
    if version is None:
        return _OLDER_FORM
    return _FORMS.get(version) if isinstance(version, str) else None


def read_content(raw: bytes) -> Any:
    """The message alone, as it is published."""
    return _message(_read_envelope(raw), flat=is_flat(raw))


def _rsa_keys(keys: TradeKeys) -> tuple[RSAPublicKey, ...]:
    return tuple(key for key in keys.public_keys if isinstance(key, RSAPublicKey))


def _verify_older(raw: bytes, tokens: Sequence[str]) -> bool:
    """The signature is inside the body, which has to be read first."""
    try:
        body = _read_envelope(raw)
    except Unreadable:
        return False
    plain = all(isinstance(value, str | int) or value is None for value in body.values())
    return plain and signatures.verify_ecpay(body, tokens)


def _is_for(raw: bytes, app_id: str) -> bool:
    try:
        message = read_content(raw)
    except Unreadable:
        # Whoever reads it will say so.
        return True
    named = [message.get(name) for name in ("app_id", "appid")]
    return all(name in (None, "", app_id) for name in named)


def _read_envelope(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BODY_BYTES:
        raise Unreadable(f"the body is larger than {MAX_BODY_BYTES} bytes")
    body = read_json(raw, part="the body", flat=is_flat(raw))
    if not isinstance(body, dict):
        raise Unreadable("the body is not a JSON object")
    return body


def _message(body: Mapping[str, Any], *, flat: bool) -> dict[str, Any]:
    text = body.get("msg")
    if not isinstance(text, str):
        raise Unreadable("msg is not a string with JSON in it")
    message = read_json(text.encode("utf-8", "replace"), part="msg", flat=flat)
    if not isinstance(message, dict):
        raise Unreadable("msg is not a JSON object")
    return message


@lru_cache(maxsize=1)
def _no_ones_key() -> RSAPublicKey:
    """An odd number of the usual size: nobody knows its factors, and nothing verifies."""
    return RSAPublicNumbers(e=65537, n=2**2047 + 2**1024 + 1).public_key()
