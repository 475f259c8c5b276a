"""Each check against a value worked out here step by step from the platform's description."""

import base64
import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from shared.platforms.douyin import signatures

SECRETS = st.text(min_size=1, max_size=64).filter(lambda text: text.isprintable())
PAIRS = st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=8)), max_size=5)


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def other_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def sha1(text: bytes) -> str:
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def md5(text: bytes) -> str:
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def test_webhook_signature_is_sha1_over_secret_and_body() -> None:
    expected = sha1(b's3cret{"event":"x"}')
    assert signatures.sign_webhook(b'{"event":"x"}', "s3cret") == expected


@given(raw=st.binary(max_size=200), secret=SECRETS)
def test_a_signed_webhook_verifies_under_any_of_the_live_secrets(raw: bytes, secret: str) -> None:
    signature = signatures.sign_webhook(raw, secret)
    assert signatures.verify_webhook(signature, raw, [secret])
    assert signatures.verify_webhook(signature.upper(), raw, ["old" + secret, secret])
    assert not signatures.verify_webhook(signature, raw + b" ", [secret])
    assert not signatures.verify_webhook(signature, raw, ["x" + secret])


@pytest.mark.parametrize("signature", [None, "", "0" * 40, "é", "\udc80", "a" * 10_000])
def test_a_wrong_signature_never_verifies(signature: str | None) -> None:
    assert not signatures.verify_webhook(signature, b"{}", ["secret", "another"])


def test_an_empty_secret_never_verifies() -> None:
    signature = sha1(b"{}")
    assert not signatures.verify_webhook(signature, b"{}", [""])
    assert not signatures.verify_webhook(signature, b"{}", [])
    assert signatures.verify_webhook(signatures.sign_webhook(b"{}", "s"), b"{}", ["", "s"])


def test_life_sign_hashes_the_string_of_the_official_example() -> None:
    text = b"yyyyyy&client_key=xxxxxx&timestamp=1624293280123&http_body=zzzzzz"
    query = [("timestamp", "1624293280123"), ("sign", "ignored"), ("client_key", "xxxxxx")]
    assert signatures.sign_life(query, b"zzzzzz", "yyyyyy") == hashlib.sha256(text).hexdigest()
    assert signatures.sign_life_old(query, b"zzzzzz", "yyyyyy") == md5(text)


def test_life_sign_leaves_out_an_empty_body_and_sorts_repeated_keys() -> None:
    text = "秘&a=1&a=2&b=汉 字".encode()
    query = [("b", "汉 字"), ("a", "2"), ("a", "1")]
    assert signatures.sign_life(query, b"", "秘") == hashlib.sha256(text).hexdigest()


@given(query=PAIRS, raw=st.binary(max_size=100), secret=SECRETS)
def test_both_life_signatures_survive_any_order_of_the_query(
    query: list[tuple[str, str]], raw: bytes, secret: str
) -> None:
    backwards = query[::-1]
    new, old = (
        sign(query, raw, secret) for sign in (signatures.sign_life, signatures.sign_life_old)
    )
    assert signatures.verify_life(new, backwards, raw, ["x", secret])
    assert signatures.verify_life_old(old, backwards, raw, ["x", secret])
    assert not signatures.verify_life(new, [*query, ("more", "1")], raw, [secret])
    assert not signatures.verify_life_old(new, query, raw, [secret])


def test_ecpay_signature_sorts_the_values_with_the_token() -> None:
    body = {
        "timestamp": "1602507471",
        "nonce": "797",
        "msg": '{"appid":"tt1"}',
        "empty": "",
        "type": "payment",
    }
    text = "".join(sorted(["token", "1602507471", "797", '{"appid":"tt1"}']))
    signature = sha1(text.encode())
    assert signatures.verify_ecpay({**body, "msg_signature": signature}, ["old", "token"])
    assert not signatures.verify_ecpay({**body, "msg_signature": signature}, [""])
    assert not signatures.verify_ecpay({**body, "msg_signature": 7}, ["token"])
    assert not signatures.verify_ecpay(body, ["token"])


def test_byte_signature_verifies_what_the_platform_signed(
    key: RSAPrivateKey, other_key: RSAPrivateKey
) -> None:
    raw = b'{"version":"3.0","msg":"{}","type":"payment"}'
    by_hand = key.sign(b"1700000000\nabc\n" + raw + b"\n", PKCS1v15(), SHA256())
    signature = base64.b64encode(by_hand).decode()

    def verifies(*keys: RSAPrivateKey, nonce: str = "abc", body: bytes = raw) -> bool:
        return signatures.verify_bytes(
            signature,
            timestamp="1700000000",
            nonce=nonce,
            raw=body,
            keys=[each.public_key() for each in keys],
        )

    assert verifies(key)
    assert verifies(other_key, key)
    assert not verifies(other_key)
    assert not verifies()
    assert not verifies(key, nonce="abd")
    assert not verifies(key, body=raw + b" ")
    assert signature == signatures.sign_bytes(key, timestamp="1700000000", nonce="abc", raw=raw)


@given(signature=st.none() | st.text(max_size=400))
def test_no_text_but_the_signature_verifies(key: RSAPrivateKey, signature: str | None) -> None:
    assert not signatures.verify_bytes(
        signature, timestamp="1", nonce="n", raw=b"{}", keys=[key.public_key()]
    )


@pytest.mark.parametrize("quoted", [True, False])
def test_byte_authorization_verifies_quoted_and_bare(
    key: RSAPrivateKey, other_key: RSAPrivateKey, *, quoted: bool
) -> None:
    header = signatures.byte_authorization(
        key,
        app_id="tt123",
        method="POST",
        uri="/requestOrder",
        timestamp="1700000000",
        nonce="n-1",
        body=b'{"a":1}',
        quoted=quoted,
    )
    assert header.startswith('SHA256-RSA2048 appid="tt123",' if quoted else "SHA256-RSA2048 appid=")

    def verifies(signer: RSAPrivateKey, body: bytes) -> bool:
        return signatures.verify_byte_authorization(
            header, method="POST", uri="/requestOrder", body=body, keys=[signer.public_key()]
        )

    assert verifies(key, b'{"a":1}')
    assert not verifies(key, b'{"a":2}')
    assert not verifies(other_key, b'{"a":1}')


@pytest.mark.parametrize(
    "header", [None, "", "Bearer x", "SHA256-RSA2048 ", 'SHA256-RSA2048 signature="!"']
)
def test_a_broken_byte_authorization_does_not_verify(
    key: RSAPrivateKey, header: str | None
) -> None:
    assert not signatures.verify_byte_authorization(
        header, method="POST", uri="/", body=b"", keys=[key.public_key()]
    )


@pytest.mark.parametrize("form", [lambda pem: pem, lambda pem: "".join(pem.split("\n")[1:-2])])
def test_a_public_key_is_read_as_pem_and_as_the_base64_inside(
    key: RSAPrivateKey, form: Callable[[str], str]
) -> None:
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert (
        signatures.load_public_key(form(pem)).public_numbers() == key.public_key().public_numbers()
    )
