"""Routes about people who sign in."""

from typing import Self
from uuid import UUID

from aiohttp import web
from pydantic import model_validator

from services.access.domain.actions import Role
from services.access.handlers import staff as handlers
from services.access.handlers.passwords import require_strength
from services.access.handlers.people import Person, open_names
from services.access.http.fields import (
    Body,
    Login,
    Name,
    NewPassword,
    Reason,
    Slug,
    StoreIds,
    iso,
    read_after,
)
from services.access.http.parts import PARTS, act_of
from services.access.http.shapes import OfMerchant, ShownStaff
from services.access.queries import staff as queries
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import Page, page, read_uuid
from shared.web.query import query_of
from shared.web.routes import Route


class NewStaff(Body):
    merchant: Slug
    login: Login
    name: Name
    role: Role
    stores: StoreIds | None = None
    password: NewPassword


class StaffChange(Body):
    """`stores` null is every store; leave it out to leave it as it is."""

    name: Name | None = None
    role: Role | None = None
    stores: StoreIds | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            message = "name, role or stores must be given"
            raise ValueError(message)
        return self


class PasswordReset(Body):
    password: NewPassword


class Deactivation(Body):
    reason: Reason = "deactivated by hand"


async def post_staff(request: web.Request) -> web.Response:
    body, parts = await read_body(request, NewStaff), request.app[PARTS]
    password = body.password.get_secret_value()
    require_strength(password, body.login)
    async with request.app[DATABASE].pool.acquire() as conn:
        await handlers.prepare_to_add(
            conn,
            request[PRINCIPAL],
            parts.keyring,
            merchant=body.merchant,
            role=body.role,
            stores=body.stores,
        )
    new = handlers.NewPerson(
        merchant=body.merchant,
        login=body.login,
        name=body.name,
        role=body.role,
        stores=body.stores,
        password_hash=await parts.passwords.hash(password),
    )
    async with act_of(request) as act:
        person, is_new = await handlers.add_person(act, parts.keyed, parts.keyring, new)
    return json_response(_show(person), status=201 if is_new else 200)


async def patch_staff(request: web.Request) -> web.Response:
    body = await read_body(request, StaffChange)
    async with act_of(request) as act:
        person = await handlers.change_person(
            act,
            request[PRINCIPAL],
            request.app[PARTS].keyring,
            _staff_id(request),
            name=body.name,
            role=body.role,
            stores=body.stores,
            every_store="stores" in body.model_fields_set and body.stores is None,
        )
    return json_response(_show(person))


async def deactivate_staff(request: web.Request) -> web.Response:
    body = await read_body(request, Deactivation)
    async with act_of(request) as act:
        person = await handlers.deactivate_person(
            act,
            request[PRINCIPAL],
            request.app[PARTS].keyring,
            _staff_id(request),
            reason=body.reason,
        )
    return json_response(_show(person))


async def reset_password(request: web.Request) -> web.Response:
    body, parts = await read_body(request, PasswordReset), request.app[PARTS]
    password, staff_id = body.password.get_secret_value(), _staff_id(request)
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await handlers.find_person(conn, request[PRINCIPAL], parts.keyring, staff_id)
    require_strength(password, found.login)
    password_hash = await parts.passwords.hash(password)
    async with act_of(request) as act:
        person = await handlers.reset_password(
            act, request[PRINCIPAL], parts.keyring, staff_id, password_hash=password_hash
        )
    return json_response(_show(person))


async def list_staff(request: web.Request) -> web.Response:
    principal, query = request[PRINCIPAL], query_of(request, OfMerchant)
    merchant, after = principal.narrowed(query.merchant), read_after(query)
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await queries.list_staff(
            conn,
            merchant=merchant,
            only=principal.stores,
            after=read_uuid(after, "cursor") if after else None,
            limit=query.limit + 1,
        )
        people = await open_names(conn, request.app[PARTS].keyring, found)
    return json_response(
        page(
            people, limit=query.limit, cursor_of=lambda one: (str(one.staff.staff_id),), show=_show
        )
    )


async def get_staff(request: web.Request) -> web.Response:
    async with request.app[DATABASE].pool.acquire() as conn:
        person = await handlers.find_person(
            conn, request[PRINCIPAL], request.app[PARTS].keyring, _staff_id(request)
        )
    return json_response(_show(person))


def _staff_id(request: web.Request) -> UUID:
    return read_uuid(request.match_info["staff_id"], "staff_id")


def _show(person: Person) -> ShownStaff:
    staff = person.staff
    return {
        "staff_id": str(staff.staff_id),
        "merchant": staff.merchant,
        "login": person.login,
        "name": person.name,
        "role": staff.role,
        "stores": staff.stores,
        "state": staff.state,
        "version": staff.version,
        "created_at": iso(staff.created_at),
        "last_seen_at": iso(staff.last_seen_at),
    }


_ONE = {"staff_id": UUID}
ROUTES = (
    Route(
        "POST",
        "/v1/staff",
        post_staff,
        "staff:write",
        summary="Add a person; the same again is no second one",
        body=NewStaff,
        answers={200: ShownStaff, 201: ShownStaff},
        refusals={
            403: ("grants_more_than_held",),
            404: ("not_found", "store_unknown"),
            409: ("login_taken",),
            422: ("password_too_weak",),
        },
    ),
    Route(
        "GET",
        "/v1/staff",
        list_staff,
        "staff:read",
        summary="The people this token reaches",
        query=OfMerchant,
        answers={200: Page[ShownStaff]},
    ),
    Route(
        "GET",
        "/v1/staff/{staff_id}",
        get_staff,
        "staff:read",
        summary="One person",
        path_types=_ONE,
        answers={200: ShownStaff},
    ),
    Route(
        "PATCH",
        "/v1/staff/{staff_id}",
        patch_staff,
        "staff:write",
        summary="Change a person; tokens from before are void where rights are lost",
        path_types=_ONE,
        body=StaffChange,
        answers={200: ShownStaff},
        refusals={
            403: ("grants_more_than_held",),
            404: ("not_found", "store_unknown"),
            409: ("staff_deactivated",),
        },
    ),
    Route(
        "POST",
        "/v1/staff/{staff_id}/deactivate",
        deactivate_staff,
        "staff:write",
        summary="Let a person in no more",
        path_types=_ONE,
        body=Deactivation,
        answers={200: ShownStaff},
        refusals={403: ("grants_more_than_held",)},
    ),
    Route(
        "POST",
        "/v1/staff/{staff_id}/password",
        reset_password,
        "staff:write",
        summary="Give a person a new password",
        path_types=_ONE,
        body=PasswordReset,
        answers={200: ShownStaff},
        refusals={
            403: ("grants_more_than_held", "own_password"),
            409: ("staff_deactivated",),
            422: ("password_too_weak",),
        },
    ),
)
