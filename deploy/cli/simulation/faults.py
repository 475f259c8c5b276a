"""What `--faults` says: a preset, or per-mille switches by name."""

import re
from typing import Any

from deploy.cli import problems
from deploy.embedded.problems import Text

PRESETS = ("none", "all")
_WEBHOOK_FAULTS = ("lost", "late", "doubled", "reordered", "conflicting", "forged")
_CALL_FAULTS = ("slow", "error", "dropped_before", "dropped_after")
_CALLS = (
    "token",
    "prepare",
    "verify",
    "batch_verify",
    "cancel",
    "get",
    "query",
    "verify_record",
    "order_query",
    "event_status",
    "goods_write",
    "goods_read",
    "poi",
    "short_link",
    "create_callback",
    "refund_audit",
    "trade",
)
_EVERY_CALL = "*"
_SWITCH = re.compile(r"(?:(?P<call>[a-z_]+)\.)?(?P<fault>[a-z_]+)=(?P<per_mille>\d{1,4})")
_MOST = 1000
_EXPECTED = Text(
    "none、all,或千分数列表:lost=5,late=10,doubled=30,verify.dropped_after=20",
    "none, all, or a list per mille: lost=5,late=10,doubled=30,verify.dropped_after=20 "
    f"(webhooks: {', '.join(_WEBHOOK_FAULTS)}; calls: {', '.join(_CALL_FAULTS)}, of all or of "
    "one call)",
)


def read_faults(text: str, *, seed: int) -> dict[str, Any] | str:
    """The name of a preset, or the simulator's switches. Raises Problem. Any: JSON."""
    if text in PRESETS:
        return text
    webhooks: dict[str, int] = {}
    calls: dict[str, dict[str, int]] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        match = _SWITCH.fullmatch(part)
        if match is None or int(match["per_mille"]) > _MOST:
            raise problems.wrong_option("--faults", expected=_EXPECTED)
        call, fault, per_mille = match["call"], match["fault"], int(match["per_mille"])
        if call is None and fault in _WEBHOOK_FAULTS:
            webhooks[fault] = per_mille
        elif fault in _CALL_FAULTS and (call is None or call in _CALLS):
            calls.setdefault(call or _EVERY_CALL, {})[fault] = per_mille
        else:
            raise problems.wrong_option("--faults", expected=_EXPECTED)
    return {"seed": seed, "webhooks": webhooks, "calls": calls}
