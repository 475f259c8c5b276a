"""Which parts of an event's content are personal, so that intake can seal them."""

import re
from collections.abc import Iterable
from typing import Any

from shared.platforms.platform import Path

# Everything below such a member is personal, in events that we know and in those we do not.
PERSONAL_MEMBERS = frozenset(
    {
        *("mobile", "new_mobile", "phone", "phone_num", "phone_encrypt", "telephone", "tel"),
        *("name", "contact_name", "contacts", "nick_name", "nickname", "user_nicker"),
        *("avatar", "user_avatar", "address", "id_card", "credential_numb", "buyer_info"),
        *("open_id", "union_id", "c_open_id", "b_open_id", "from_user_id", "to_user_id"),
        *("user_id", "at_user_id", "comment_user_id", "user_infos", "card_data"),
    }
)
# What people wrote to each other; and what spends a coupon, which is nobody's to read either.
PERSONAL_MEMBERS_OF: dict[str, frozenset[str]] = {
    "life_trade_certificate_notify": frozenset({"code", "encrypted_code"}),
    "receive_msg": frozenset({"text", "description", "title"}),
    "im_receive_msg": frozenset({"text"}),
    "im_group_receive_msg": frozenset({"text"}),
    "item_comment_reply": frozenset({"content"}),
}
# What platforms ask holds our own codes too, and what buyers wrote with a refund.
QUESTION_PREFIXES = ("spi_", "trade_")
_OF_QUESTIONS = PERSONAL_MEMBERS | {
    *("code", "codes", "encrypted_code", "encrypted_codes", "desc", "refund_description"),
    *("merchant_uid", "user_bill_pay_id", "departure_info"),
}
_MEMBERS_OF = {event: PERSONAL_MEMBERS | more for event, more in PERSONAL_MEMBERS_OF.items()}
_MOBILE_NUMBER = re.compile(r"(?:\+?86[ -]?)?1[3-9]\d{9}", re.ASCII)
_SHORTEST_NUMBER = len("13800001234")
_LONGEST_NUMBER = len("+86 13800001234")
_LEAST_NUMBER = 13_000_000_000
_NESTED = (dict, list)


def personal_fields(event: str, content: object) -> tuple[Path, ...]:
    """The paths of all leaves to seal: by the name above them, or a number like a phone's.

    An empty path is the content itself.
    """
    found: list[Path] = []
    names = _names(event)
    if isinstance(content, _NESTED):
        _collect(content, names=names, path=(), personal=False, found=found)
    elif _is_mobile_number(content):
        found.append(())
    return tuple(found)


def _names(event: str) -> frozenset[str]:
    if event.startswith(QUESTION_PREFIXES):
        return _OF_QUESTIONS
    return _MEMBERS_OF.get(event, PERSONAL_MEMBERS)


def _collect(
    holder: dict[str, Any] | list[Any],
    *,
    names: frozenset[str],
    path: Path,
    personal: bool,
    found: list[Path],
) -> None:
    """Paths are built only for what is found or entered: this runs for every delivery."""
    members: Iterable[tuple[str | int, Any]]
    members = holder.items() if isinstance(holder, dict) else enumerate(holder)
    for step, member in members:
        named = personal or step in names
        if isinstance(member, _NESTED):
            _collect(member, names=names, path=(*path, step), personal=named, found=found)
        elif (member is not None and member != "") if named else _is_mobile_number(member):
            found.append((*path, step))


def _is_mobile_number(value: object) -> bool:
    """Most leaves are too short or too small: the expression is asked about few of them."""
    if isinstance(value, str):
        fits = _SHORTEST_NUMBER <= len(value) <= _LONGEST_NUMBER
        return fits and _MOBILE_NUMBER.fullmatch(value) is not None
    if isinstance(value, int) and value >= _LEAST_NUMBER:
        return _MOBILE_NUMBER.fullmatch(str(value)) is not None
    return False
