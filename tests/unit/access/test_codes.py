"""Enrolment codes: what is mistyped is told before anything is looked up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.domain.codes import ALPHABET, CodeMistyped, new_code, read_code, show_code

_codes = st.builds(new_code)
_POSITIONS = st.integers(0, 10)


@given(_codes)
def test_a_code_is_read_as_people_type_it(code: str) -> None:
    assert read_code(show_code(code)) == code
    assert read_code(f"  {code.lower()}\n") == code


@given(_codes, _POSITIONS, st.sampled_from(ALPHABET))
def test_one_wrong_character_is_found(code: str, position: int, wrong: str) -> None:
    typed = code[:position] + wrong + code[position + 1 :]
    if typed == code:
        assert read_code(typed) == code
    else:
        with pytest.raises(CodeMistyped):
            read_code(typed)


@given(_codes, _POSITIONS, _POSITIONS)
def test_two_swapped_characters_are_found(code: str, one: int, other: int) -> None:
    characters = list(code)
    characters[one], characters[other] = characters[other], characters[one]
    typed = "".join(characters)
    if typed == code:
        assert read_code(typed) == code
    else:
        with pytest.raises(CodeMistyped):
            read_code(typed)


@pytest.mark.parametrize("typed", ["", "ABC", "O0O0-1I1I-LLL", "益禾堂", "A" * 4000])
def test_what_is_no_code_is_mistyped(typed: str) -> None:
    with pytest.raises(CodeMistyped):
        read_code(typed)
