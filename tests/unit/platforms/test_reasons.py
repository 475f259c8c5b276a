import re

import pytest

from shared.platforms.reasons import GUIDANCE, Reason

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_every_reason_tells_the_clerk_what_happened_and_what_to_do() -> None:
    assert set(GUIDANCE) == set(Reason)
    assert len(Reason) >= 24


@pytest.mark.parametrize("reason", Reason)
def test_guidance_is_in_both_languages(reason: Reason) -> None:
    guidance = GUIDANCE[reason]
    for words in (guidance.title, guidance.action):
        assert CHINESE.search(words.zh), words
        assert words.en, words
        assert not CHINESE.search(words.en), words
    assert len(guidance.title.zh) <= 20, "a title fits on a phone"


def test_no_two_reasons_read_alike() -> None:
    assert len({guidance.title.en for guidance in GUIDANCE.values()}) == len(Reason)
    assert len({guidance.title.zh for guidance in GUIDANCE.values()}) == len(Reason)
