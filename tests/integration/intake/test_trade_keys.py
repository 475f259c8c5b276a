"""An application's mini-program, and what may sign its callbacks."""

import json
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.integration.intake.asking import (
    APP_ID,
    TOKEN,
    Platform,
    add_mini_program,
    err_no,
)
from tests.integration.intake.support import CLIENT_KEY, IntakeUnderTest

PATH = f"/v1/apps/{CLIENT_KEY}/trade"
PAYMENT = {"order_id": "9001", "status": "SUCCESS"}
NEW_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NEW_PUBLIC_KEY = (
    NEW_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
)


async def test_a_mini_program_is_shown_with_its_keys_and_never_with_its_token(
    intake: IntakeUnderTest,
) -> None:
    first = await add_mini_program(intake)
    again = await add_mini_program(intake)
    assert (first.status, again.status) == (200, 200)
    assert [key["sort"] for key in first.body["keys"]] == ["token", "public_key"]
    # The same again adds nothing.
    assert again.body["keys"] == first.body["keys"]
    (app,) = (await intake.call("GET", "/v1/apps")).body["items"]
    assert (app["trade"]["app_id"], len(app["trade"]["keys"])) == (APP_ID, 2)
    assert TOKEN not in json.dumps(app)
    (row,) = await intake.fetch("SELECT sealed_token FROM trade_keys WHERE public_key IS NULL")
    assert TOKEN.encode() not in row["sealed_token"]


async def test_while_a_platform_key_rotates_both_sign_and_a_deleted_one_no_more(
    intake: IntakeUnderTest,
) -> None:
    await add_mini_program(intake)
    rotated = await intake.call(
        "PUT", PATH, {"app_id": APP_ID, "public_key": NEW_PUBLIC_KEY, "overlap_seconds": 600}
    )
    keys = {
        key["expires_at"] is None: key for key in rotated.body["keys"] if key["sort"] != "token"
    }
    old, new = Platform(intake), replace(Platform(intake), key=NEW_KEY)
    for platform in (old, new):
        assert err_no(await platform.call_back("payment", PAYMENT)) == 0
    deleted = await intake.call("DELETE", f"{PATH}/keys/{keys[False]['key_id']}")
    assert deleted.status == 200
    assert (await old.call_back("payment", PAYMENT)).status == 401
    assert err_no(await new.call_back("payment", PAYMENT)) == 0
    assert (await intake.call("DELETE", f"{PATH}/keys/{keys[False]['key_id']}")).status == 404


async def test_without_overlap_the_old_key_ends_at_once(intake: IntakeUnderTest) -> None:
    await add_mini_program(intake)
    body = {"app_id": APP_ID, "public_key": NEW_PUBLIC_KEY, "overlap_seconds": 0}
    await intake.call("PUT", PATH, body)
    assert (await Platform(intake).call_back("payment", PAYMENT)).status == 401


async def test_a_mini_program_without_keys_takes_no_callbacks(intake: IntakeUnderTest) -> None:
    await intake.call("PUT", PATH, {"app_id": APP_ID})
    assert (await Platform(intake).call_back("payment", PAYMENT)).status == 401
    assert (await Platform(intake).call_back_older("payment", PAYMENT)).status == 401


async def test_odd_keys_and_taken_app_ids_are_refused(intake: IntakeUnderTest) -> None:
    await add_mini_program(intake)
    odd = await intake.call("PUT", PATH, {"app_id": APP_ID, "public_key": "no key at all"})
    assert (odd.status, odd.body["reason"]) == (422, "unreadable")
    await intake.add_app(client_key="awother")
    taken = await intake.call("PUT", "/v1/apps/awother/trade", {"app_id": APP_ID})
    assert (taken.status, taken.body["reason"]) == (409, "app_id_taken")
    unknown = await intake.call("PUT", "/v1/apps/nobody/trade", {"app_id": "tt1"})
    assert unknown.status == 404
    for overlap in range(2):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        body = {"app_id": APP_ID, "public_key": pem, "overlap_seconds": 600 + overlap}
        assert (await intake.call("PUT", PATH, body)).status == 200
    many = await intake.call("PUT", PATH, {"app_id": APP_ID, "public_key": NEW_PUBLIC_KEY})
    assert (many.status, many.body["reason"]) == (409, "too_many_keys")


async def test_another_merchants_application_is_as_unknown_as_none(
    intake: IntakeUnderTest,
) -> None:
    merchant = await intake.access.new_merchant()
    owner = await intake.access.add_staff(merchant, role="owner")
    token = await owner.token()
    answer = await intake.call("PUT", PATH, {"app_id": APP_ID}, token=token)
    assert (answer.status, answer.body["reason"]) == (404, "not_found")
