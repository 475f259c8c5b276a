"""What people at the counter are told: one sentence each, in Chinese and English."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Guidance:
    """What happened (title) and what the clerk should do now (action)."""

    title: Words
    action: Words


def say(*, zh: tuple[str, str], en: tuple[str, str]) -> Guidance:
    return Guidance(title=Words(zh[0], en[0]), action=Words(zh[1], en[1]))
