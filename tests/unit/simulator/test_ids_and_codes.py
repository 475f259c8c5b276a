from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.simulator.domain import numbers
from services.simulator.domain.encryption import CodeCipher, Purpose

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CIPHER = CodeCipher(bytes(32))
NUMBERS = range(50_000, 150_000)


def test_ids_look_like_the_platforms_and_never_come_twice() -> None:
    made = [numbers.entity_id(number, NOW) for number in NUMBERS]

    assert len(set(made)) == len(made)
    assert {len(str(one)) for one in made} == {19}
    # As in the platform's own samples, the upper half is the second of creation.
    assert {one >> 32 for one in made} == {int(NOW.timestamp())}


def test_codes_have_12_digits_and_never_come_twice() -> None:
    made = [numbers.coupon_code(number) for number in NUMBERS]

    assert len(set(made)) == len(made)
    assert all(len(code) == 12 and code.isdecimal() for code in made)


def test_short_links_never_come_twice() -> None:
    made = [numbers.short_link_id(number) for number in NUMBERS]

    assert len(set(made)) == len(made)
    assert all(len(one) == 7 and one.isalnum() for one in made)


def test_blocks_do_not_overlap() -> None:
    assert set(numbers.block(1)).isdisjoint(numbers.block(2))


@given(st.integers(min_value=1, max_value=2**63 - 1))
def test_an_encrypted_code_opens_for_its_purpose_only(certificate_id: int) -> None:
    scan, verify = CIPHER.scan_code(certificate_id), CIPHER.verify_code(certificate_id)

    assert CIPHER.open(scan, Purpose.SCAN) == certificate_id
    assert CIPHER.open(scan, Purpose.VERIFY) is None
    assert CIPHER.open(verify, Purpose.VERIFY) == certificate_id
    assert CIPHER.open(verify, Purpose.SCAN) is None


def test_a_verify_code_differs_from_call_to_call_and_a_scan_code_does_not() -> None:
    assert CIPHER.verify_code(7) != CIPHER.verify_code(7)
    assert CIPHER.scan_code(7) == CIPHER.scan_code(7)


def test_codes_look_like_the_platforms_samples() -> None:
    sample = (
        "CgwIARDhJxjLLyABKAESLgosRSH/OAfU5+MZ9y0u3l/999bpcS5P1zOqn2mxgQXAx3jGpwb+jnqZPTlDldcaAA=="
    )
    code = CIPHER.verify_code(7)

    assert len(code) == len(sample)
    assert (code[:24], code[-5:]) == (sample[:24], sample[-5:])


@given(st.text(max_size=120))
def test_what_is_no_code_of_ours_opens_to_nothing(text: str) -> None:
    assert CIPHER.open(text, Purpose.SCAN, Purpose.VERIFY) is None


def test_another_key_opens_nothing() -> None:
    assert CodeCipher(b"k" * 32).open(CIPHER.scan_code(7), Purpose.SCAN) is None
