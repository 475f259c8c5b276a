"""Which parts of an event's content are personal, so that intake can seal them."""

import re
from collections.abc import Iterator

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
_MOBILE_NUMBER = re.compile(r"(?:\+?86[ -]?)?1[3-9]\d{9}", re.ASCII)


def personal_fields(event: str, content: object) -> tuple[Path, ...]:
    """The paths of all leaves to seal: by the name above them, or a number like a phone's."""
    names = PERSONAL_MEMBERS | PERSONAL_MEMBERS_OF.get(event, frozenset())
    return tuple(_leaves(content, names=names, path=(), personal=False))


def _leaves(value: object, *, names: frozenset[str], path: Path, personal: bool) -> Iterator[Path]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(
                member, names=names, path=(*path, key), personal=personal or key in names
            )
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _leaves(member, names=names, path=(*path, index), personal=personal)
    elif value not in (None, "") and (personal or _is_mobile_number(value)):
        yield path


def _is_mobile_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return False
    return _MOBILE_NUMBER.fullmatch(str(value)) is not None
