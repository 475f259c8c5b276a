"""Routes that give tokens to people."""

from aiohttp import web
from pydantic import SecretStr

from services.access.domain.actions import ROLE_ACTIONS
from services.access.handlers import sign_in as handlers
from services.access.handlers.passwords import require_strength
from services.access.handlers.sign_in import Claim, Session, SessionOver
from services.access.handlers.staff import set_password
from services.access.http.fields import Body, Login, NewPassword, Password, Slug
from services.access.http.parts import PARTS, act_of, counting_refusals
from services.access.http.shapes import PasswordChanged, ShownSession
from services.access.http.tokens import show_token
from shared.clock import utc_now
from shared.errors import Unauthorized
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL, VERIFIER
from shared.web.pages import read_uuid
from shared.web.routes import Route

_NOBODY = "staff:unknown"
_BEARER = "Bearer "


class SignIn(Body):
    merchant: Slug
    login: Login
    password: Password


class PasswordChange(SignIn):
    new_password: NewPassword


async def post_sign_in(request: web.Request) -> web.Response:
    body, parts = await read_body(request, SignIn), request.app[PARTS]
    with counting_refusals(request):
        claim = await _prove(request, body)
        async with act_of(request, actor=_NOBODY) as act:
            session = await handlers.sign_in(act, claim, parts.authority, parts.keyring)
    return json_response(_show(session))


async def post_password(request: web.Request) -> web.Response:
    """Change one's own password, with the old one. Tokens from before are void."""
    body, parts = await read_body(request, PasswordChange), request.app[PARTS]
    require_strength(body.new_password.get_secret_value(), body.login)
    with counting_refusals(request):
        claim = await _prove(request, body)
        password_hash = await parts.passwords.hash(body.new_password.get_secret_value())
        async with act_of(request, actor=_NOBODY) as act:
            entered = await handlers.enter(act, claim)
            await set_password(
                act, entered.staff_id, password_hash, action="staff.password_changed"
            )
    answer: PasswordChanged = {"staff_id": str(entered.staff_id), "changed": True}
    return json_response(answer)


async def post_renewal(request: web.Request) -> web.Response:
    """A new token for one that is about to expire, until the session is over."""
    parts, header = request.app[PARTS], request.headers.get("Authorization", "")
    token = header.removeprefix(_BEARER)
    request[PRINCIPAL] = principal = request.app[VERIFIER].verify(token)
    signed_in_at = parts.authority.signed_in_at(token)
    if signed_in_at is None:
        message = "only people renew their tokens; others prove themselves again"
        raise Unauthorized(message, reason="not_renewable")
    if signed_in_at + parts.session_life < utc_now():
        raise SessionOver
    parts.tokens.take(principal.subject)
    async with request.app[DATABASE].transaction() as transaction:
        session = await handlers.renew(
            transaction.conn,
            parts.authority,
            parts.keyring,
            staff_id=read_uuid(principal.identity, "sub"),
            issued_at=principal.issued_at,
            signed_in_at=signed_in_at,
        )
    return json_response(_show(session))


async def _prove(request: web.Request, body: SignIn) -> Claim:
    """Count the attempt, then look at the password: outside any transaction, it takes long."""
    parts = request.app[PARTS]
    parts.passwords.require_capacity()
    login_index = parts.keyed.of_login(body.merchant, body.login)
    async with request.app[DATABASE].transaction() as transaction:
        claim = await handlers.claim_attempt(
            transaction.conn, login_index=login_index, merchant=body.merchant
        )
    if not await _matches(request, claim, body.password):
        async with act_of(request, actor=_NOBODY) as act:
            refused = handlers.refuse(act, claim)
        raise refused
    return claim


async def _matches(request: web.Request, claim: Claim, password: SecretStr) -> bool:
    return await request.app[PARTS].passwords.matches(
        claim.password_hash, password.get_secret_value()
    )


def _show(session: Session) -> ShownSession:
    signed_in = session.signed_in
    return {
        **show_token(session.token),
        "staff_id": str(signed_in.staff_id),
        "name": session.name,
        "merchant": signed_in.merchant,
        "role": signed_in.role,
        "stores": signed_in.stores,
        "actions": sorted(ROLE_ACTIONS[signed_in.role]),
    }


_REFUSED = ("sign_in_refused",)
_TOO_MANY = ("locked_out", "too_many_requests")
ROUTES = (
    Route(
        "POST",
        "/v1/sign-in",
        post_sign_in,
        summary="A token for a person",
        body=SignIn,
        answers={200: ShownSession},
        refusals={401: _REFUSED, 429: _TOO_MANY},
    ),
    Route(
        "POST",
        "/v1/sign-in/renew",
        post_renewal,
        summary="A new token for the one in Authorization",
        answers={200: ShownSession},
        refusals={
            401: (
                "token_missing",
                "token_invalid",
                "token_expired",
                "token_revoked",
                "not_renewable",
                "session_over",
            ),
            429: ("too_many_requests",),
        },
    ),
    Route(
        "POST",
        "/v1/sign-in/password",
        post_password,
        summary="Change one's own password",
        body=PasswordChange,
        answers={200: PasswordChanged},
        refusals={401: _REFUSED, 422: ("password_too_weak",), 429: _TOO_MANY},
    ),
)
