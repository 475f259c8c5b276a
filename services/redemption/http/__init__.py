"""The routes of this service: parse, call, answer."""

from typing import Final
from uuid import UUID

from services.redemption.http import (
    cancellations,
    coupons,
    days,
    disputes,
    issues,
    locks,
    preparations,
    redemptions,
    shapes,
)
from services.redemption.http.desk import DESK, GROUPS
from shared.contracts.asks import CodesAnswer, CodesAsk, LockAnswer, LockAsk
from shared.platforms.reasons import Reason
from shared.web.operations import HEALTH_ROUTES, OPERATION_ROUTES
from shared.web.pages import Page
from shared.web.routes import Media, Route

__all__ = ["DESK", "GROUPS", "ROUTES"]

_REDEMPTION = {"redemption_id": UUID}
_STORE = {403: (Reason.UNKNOWN_STORE,), 404: (Reason.UNKNOWN_STORE,)}
ROUTES: Final = (
    *HEALTH_ROUTES,
    *OPERATION_ROUTES,
    Route(
        "POST",
        "/v1/preparations",
        preparations.post,
        "redemption:write",
        summary="Look up what was scanned or typed",
        body=preparations.PreparationRequest,
        answers={
            200: shapes.ShownPreparation,
            404: shapes.Refused,
            409: shapes.Refused,
            429: shapes.Refused,
            503: shapes.Refused,
        },
        refusals={403: (Reason.UNKNOWN_STORE,), 404: (Reason.UNKNOWN_STORE,)},
    ),
    Route(
        "PUT",
        "/v1/redemptions/{redemption_id}",
        redemptions.put,
        "redemption:write",
        summary="Redeem; the same id again gets the same answer, for ever",
        path_types=_REDEMPTION,
        body=redemptions.RedemptionRequest,
        answers={
            200: shapes.Redeemed,
            202: shapes.Pending,
            404: shapes.Refused,
            409: shapes.Refused,
        },
    ),
    Route(
        "GET",
        "/v1/redemptions/{redemption_id}",
        redemptions.get,
        "redemption:read",
        summary="One redemption",
        path_types=_REDEMPTION,
        answers={200: shapes.ShownRedemption},
        refusals={404: (Reason.REDEMPTION_UNKNOWN,)},
    ),
    Route(
        "POST",
        "/v1/redemptions/{redemption_id}/cancel",
        cancellations.post,
        "redemption:write",
        summary="Take a redemption back, within the platform's window",
        path_types=_REDEMPTION,
        body=cancellations.CancellationRequest,
        answers={
            200: shapes.Cancelled,
            202: shapes.CancelPending,
            404: shapes.Refused,
            409: shapes.Refused,
        },
    ),
    Route(
        "GET",
        "/v1/redemptions",
        days.list_redemptions,
        "redemption:read",
        summary="A store's day with its totals",
        query=shapes.DayQuery,
        answers={200: shapes.RedemptionsOfDay},
        refusals=_STORE,
    ),
    Route(
        "GET",
        "/v1/refusals",
        days.list_refusals,
        "redemption:read",
        summary="What was refused in a store on a day",
        query=shapes.DayQuery,
        answers={200: shapes.RefusalsOfDay},
        refusals=_STORE,
    ),
    Route(
        "GET",
        "/v1/reasons",
        days.list_reasons,
        "redemption:read",
        summary="Every reason, and what a clerk should do",
        answers={200: Page[shapes.ReasonWithGuidance]},
    ),
    Route(
        "POST",
        "/v1/issues",
        issues.post,
        "codes:issue",
        summary="Make the codes of an order, or give those it has",
        body=CodesAsk,
        answers={200: CodesAnswer},
        refusals={409: ("ask_conflicted",)},
    ),
    Route(
        "PUT",
        "/v1/refund-locks/{after_sale_id}",
        locks.put,
        "refund_locks:write",
        summary="Keep coupons from being spent while a refund is decided: all of them or none",
        body=LockAsk,
        answers={200: LockAnswer},
        refusals={409: ("ask_conflicted",)},
    ),
    Route(
        "DELETE",
        "/v1/refund-locks/{after_sale_id}",
        locks.delete,
        "refund_locks:write",
        summary="Let them be spent again",
        query=locks.LockQuery,
        answers={200: LockAnswer},
        refusals={404: ("not_found",)},
    ),
    Route(
        "GET",
        "/v1/coupons/{coupon_id}/qr",
        coupons.get_qr,
        "codes:reveal",
        summary="The code of a coupon of ours as a QR picture; that it was shown is audited",
        query=coupons.QrQuery,
        answers={200: Media("image/*")},
        refusals={404: ("not_found",)},
    ),
    Route(
        "GET",
        "/v1/disputes",
        disputes.list_disputes,
        "redemption:read",
        summary="What was spent here and the platform does not accept",
        query=disputes.DisputeQuery,
        answers={200: Page[disputes.ShownDispute]},
    ),
)
