"""What Douyin's deliveries say of products and of matched stores."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import ValidationError

from shared.contracts.intake import PlatformDelivery
from shared.platforms.douyin import goods_responses as responses
from shared.platforms.douyin import goods_translation as translation
from shared.platforms.douyin.event_models import ProductAudit, ProductStatusChange
from shared.platforms.goods import AuditState, PoiMatch, ProductNotice, Shelf

AUDIT_EVENTS = frozenset({"life_product_audit", "life_product_common_audit"})
STATUS_EVENT = "life_product_status_change"
MATCH_EVENT = "life_poi_match_notify"
EVENTS = (*sorted(AUDIT_EVENTS), STATUS_EVENT, MATCH_EVENT)
_AUDITS: Mapping[str, AuditState] = MappingProxyType(
    {"PASS": AuditState.PASSED, "FAIL": AuditState.FAILED}
)
_SHELVES: Mapping[str, Shelf] = MappingProxyType(
    {
        "GOODS_ONLINE": Shelf.ON,
        "GOODS_OFFLINE": Shelf.OFF,
        "GOODS_DELETE": Shelf.DELETED,
        "GOODS_BAN": Shelf.BANNED,
    }
)


def product_notice(delivery: PlatformDelivery) -> ProductNotice | None:
    """None for what says nothing about a product, or what cannot be read."""
    try:
        if delivery.event in AUDIT_EVENTS:
            audit = ProductAudit.model_validate(delivery.content)
            return ProductNotice(
                audit.product_id, audit=_AUDITS.get(audit.status), reason=audit.reason or ""
            )
        if delivery.event == STATUS_EVENT:
            change = ProductStatusChange.model_validate(delivery.content)
            if change.product_id is not None:
                return ProductNotice(change.product_id, shelf=_SHELVES.get(change.status))
    except ValidationError:
        return None
    return None


def poi_match(delivery: PlatformDelivery) -> PoiMatch | None:
    """The content of this event is not documented: it is read as the task's result is."""
    if delivery.event != MATCH_EVENT:
        return None
    try:
        return translation.match(responses.MatchResult.model_validate(delivery.content))
    except ValidationError:
        return None
