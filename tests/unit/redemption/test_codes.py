"""Codes of our own: what their check character finds, and what clerks may type."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.redemption.domain.codes import (
    ALPHABET,
    LENGTH,
    RANDOM_CHARACTERS,
    Code,
    Mistyped,
    check_character,
    new_code,
    read_code,
)

random_parts = st.text(ALPHABET, min_size=RANDOM_CHARACTERS, max_size=RANDOM_CHARACTERS).filter(
    lambda text: sum(character.isalpha() for character in text) >= 4
)
codes = random_parts.map(lambda text: Code(text + check_character(text)))


def is_right(characters: str) -> bool:
    return check_character(characters[:-1]) == characters[-1]


def test_codes_hold_more_than_64_random_bits_and_no_look_alikes() -> None:
    assert len(set(ALPHABET)) == 32
    assert RANDOM_CHARACTERS * 5 >= 64
    assert not set("ILOUilou") & set(ALPHABET)
    made = {new_code().value for _ in range(5_000)}
    assert len(made) == 5_000
    assert all(len(code) == LENGTH and is_right(code) for code in made)


def test_every_character_stands_at_every_random_place() -> None:
    made = [new_code().value for _ in range(3_000)]
    for place in range(LENGTH):
        assert {code[place] for code in made} == set(ALPHABET)


def test_every_single_wrong_character_is_found_at_every_place() -> None:
    """All places, all right and all wrong characters: the sum is linear, the rest changes none."""
    base = new_code().value
    for place in range(RANDOM_CHARACTERS):
        for right in ALPHABET:
            part = base[:place] + right + base[place + 1 : -1]
            whole = part + check_character(part)
            for wrong in set(ALPHABET) - {right}:
                assert not is_right(whole[:place] + wrong + whole[place + 1 :])
    for wrong in set(ALPHABET) - {base[-1]}:
        assert not is_right(base[:-1] + wrong)


def test_any_two_characters_in_each_others_places_are_found() -> None:
    """Neighbours among them; all pairs of places, all pairs of characters."""
    base = new_code().value
    for first, second in combinations(range(LENGTH), 2):
        for left, right in combinations(ALPHABET, 2):
            characters = list(base)
            characters[first], characters[second] = left, right
            # Right the sum at a third place, so that only the swap is wrong.
            third = next(place for place in range(LENGTH) if place not in (first, second))
            whole = next(
                candidate
                for filler in ALPHABET
                if is_right(candidate := "".join([*_put(characters, third, filler)]))
            )
            swapped = list(whole)
            swapped[first], swapped[second] = swapped[second], swapped[first]
            assert not is_right("".join(swapped))


def _put(characters: list[str], place: int, filler: str) -> list[str]:
    return [*characters[:place], filler, *characters[place + 1 :]]


@given(codes)
def test_a_code_is_read_however_it_is_written(code: Code) -> None:
    wide = "".join(chr(ord(character) + 0xFEE0) for character in code.grouped)
    forms = (
        code.value,
        code.grouped,
        code.grouped.lower(),
        code.grouped.replace("-", " "),
        code.grouped.replace("-", "—"),
        f"  {code.value}\r\n",
        wide,
        code.value.replace("0", "O").replace("1", "l"),
        code.value.replace("0", "o").replace("1", "I"),
    )
    assert {read_code(form) for form in forms} == {code}


@given(codes, st.data())
def test_one_wrong_character_is_told_to_the_clerk(code: Code, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, LENGTH - 1))
    wrong = data.draw(st.sampled_from(sorted(set(ALPHABET + "U") - {code.value[place]})))
    read = read_code(code.value[:place] + wrong + code.value[place + 1 :])
    assert isinstance(read, Mistyped)
    assert read.detail.startswith("one character is wrong")


@given(codes, st.integers(0, LENGTH - 1))
def test_a_character_too_few_or_too_many_is_told_too(code: Code, place: int) -> None:
    for text in (
        code.value[:place] + code.value[place + 1 :],
        code.value[:place] + "7" + code.value[place:],
    ):
        assert isinstance(read_code(text), Mistyped)


@pytest.mark.parametrize(
    "text",
    [
        "1234567890123456",
        "102539929601",
        "https://v.douyin.com/eHHc1ft/",
        "v.douyin.com/eHHc1ft/",
        "",
        "HELLO",
        "券码",
        "Ⅷ" * LENGTH,
        "x" * 5_000,
    ],
)
def test_what_is_no_code_of_ours_is_left_to_the_platform(text: str) -> None:
    assert read_code(text) is None


@given(st.text(max_size=60))
def test_nothing_that_is_typed_breaks_the_reader(text: str) -> None:
    read = read_code(text)
    assert read is None or isinstance(read, Code | Mistyped)
