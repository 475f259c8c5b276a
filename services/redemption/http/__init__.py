"""The routes of this service: parse, call, answer."""

from typing import Final

from services.redemption.http import cancellations, days, preparations, redemptions
from services.redemption.http.desk import DESK
from shared.web.routes import Route

__all__ = ["DESK", "ROUTES"]

ROUTES: Final = (
    Route("POST", "/v1/preparations", preparations.post, "redemption:write"),
    Route("PUT", "/v1/redemptions/{redemption_id}", redemptions.put, "redemption:write"),
    Route("GET", "/v1/redemptions/{redemption_id}", redemptions.get, "redemption:read"),
    Route("POST", "/v1/redemptions/{redemption_id}/cancel", cancellations.post, "redemption:write"),
    Route("GET", "/v1/redemptions", days.list_redemptions, "redemption:read"),
    Route("GET", "/v1/refusals", days.list_refusals, "redemption:read"),
    Route("GET", "/v1/reasons", days.list_reasons, "redemption:read"),
)
