"""ByteDance's own SDK, unmodified, takes the simulator for the platform."""

import asyncio
import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.clock import utc_now
from tests.conftest import NewDatabase
from tests.integration.simulator.support import (
    ACCOUNT,
    APP,
    POI,
    SKU,
    Json,
    settings,
    simulating,
)
from tests.support.servers import free_port

NODE = Path(__file__).parent.parent / "support" / "node"
PLATFORM = "open.douyin.com"
_INSTALL_SECONDS = 120.0
_RUN_SECONDS = 40.0

pytestmark = pytest.mark.skipif(
    shutil.which("npm") is None, reason="npm is not installed: the official SDK cannot be fetched"
)


async def test_the_official_sdk_redeems_and_cancels(database: NewDatabase, tmp_path: Path) -> None:
    port = free_port()
    authority, certificate, key = write_certificates(tmp_path)
    package = await install(tmp_path / "node")
    configured = settings(
        await database("simulator"),
        simulator_tls_port=port,
        simulator_tls_certificate=certificate,
        simulator_tls_key=key,
    )

    async with simulating(configured) as simulator:
        await simulator.register(None)
        order = await simulator.order(count=2)
        answers = await speak(
            package,
            environment={
                "SIMULATOR_TLS_PORT": str(port),
                "NODE_EXTRA_CA_CERTS": str(authority),
                # A proxy of this machine does not know the way.
                "NO_PROXY": PLATFORM,
            },
            encryptedData=await simulator.scan(order["coupons"][0]),
        )

    assert answers["token"]["data"]["accessToken"].startswith("clt.")
    coupons = {coupon["certificate_id"]: coupon["code"] for coupon in order["coupons"]}
    prepared = answers["prepare"]["data"]
    assert prepared["orderId"] == order["order_id"]
    assert {one["certificateId"] for one in prepared["certificates"]} == coupons.keys()
    assert prepared["certificates"][0]["sku"]["title"] == SKU["title"]
    results = answers["verify"]["data"]["verifyResults"]
    assert [one["result"] for one in results] == [0, 0]
    assert {one["certificateId"]: one["originCode"] for one in results} == coupons
    assert answers["verifyAgain"]["data"] == answers["verify"]["data"]
    assert [one["status"] for one in answers["query"]["data"]["certificates"]] == [2, 2]
    assert answers["get"]["data"]["certificate"]["verify"]["canCancel"] is True
    records = answers["records"]["data"]["records"]
    assert {one["verifyId"] for one in records} == {one["verifyId"] for one in results}
    listed = answers["orders"]["data"]["orders"]
    assert [(one["orderId"], one["orderStatus"]) for one in listed] == [(order["order_id"], 201)]
    assert answers["nextOrders"]["data"]["orders"] == []
    assert answers["cancel"]["data"]["cancelResults"][0]["resultCode"] == 0
    assert answers["refusal"]["code"] == "1212"


def write_certificates(folder: Path) -> tuple[Path, Path, Path]:
    """An authority of the test's own, and what it says of the platform's name: certificate, key."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("test authority", authority_key, issued_by=None)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(PLATFORM, key, issued_by=(authority, authority_key))
    paths = folder / "authority.pem", folder / "certificate.pem", folder / "key.pem"
    contents = (
        authority.public_bytes(serialization.Encoding.PEM),
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    issued_by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = utc_now()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issued_by[0].subject if issued_by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issued_by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return builder.sign(issued_by[1] if issued_by else key, hashes.SHA256())


async def install(folder: Path) -> Path:
    """Install exactly what the lock says, without running any script of a package."""
    shutil.copytree(NODE, folder, ignore=shutil.ignore_patterns("node_modules"))
    await _run(
        ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"),
        folder,
        within_seconds=_INSTALL_SECONDS,
    )
    return folder


async def speak(package: Path, *, environment: dict[str, str], **told: str) -> Json:
    """Run the Node script; returns every answer that the SDK gave it."""
    task = {
        "clientKey": APP["client_key"],
        "clientSecret": APP["client_secret"],
        "accountId": ACCOUNT,
        "poiId": POI,
        **told,
    }
    command = ("node", "--require", "./redirect.cjs", "redeem.cjs", json.dumps(task))
    output = await _run(command, package, environment, within_seconds=_RUN_SECONDS)
    answers: Json = json.loads(output)
    return answers


async def _run(
    command: tuple[str, ...],
    folder: Path,
    environment: dict[str, str] | None = None,
    *,
    within_seconds: float,
) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=os.environ | (environment or {}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), within_seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, errors.decode()
    return output
