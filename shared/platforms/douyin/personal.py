"""Which parts of an event's content are personal, so that intake can seal them."""

import re

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
_MEMBERS_OF = {event: PERSONAL_MEMBERS | more for event, more in PERSONAL_MEMBERS_OF.items()}
_LONGEST_NUMBER = len("+86 13800001234")
_MOBILE_NUMBER = re.compile(r"(?:\+?86[ -]?)?1[3-9]\d{9}", re.ASCII)


def personal_fields(event: str, content: object) -> tuple[Path, ...]:
    """The paths of all leaves to seal: by the name above them, or a number like a phone's.

    An empty path is the content itself.
    """
    found: list[Path] = []
    names = _MEMBERS_OF.get(event, PERSONAL_MEMBERS)
    _collect(content, names=names, path=(), personal=False, found=found)
    return tuple(found)


def _collect(
    value: object, *, names: frozenset[str], path: Path, personal: bool, found: list[Path]
) -> None:
    """Paths are built only for what is found or entered: this runs for every delivery."""
    if not isinstance(value, dict | list):
        if _is_personal(value, named=personal):
            found.append(path)
        return
    for step, member in value.items() if isinstance(value, dict) else enumerate(value):
        named = personal or step in names
        if isinstance(member, dict | list):
            _collect(member, names=names, path=(*path, step), personal=named, found=found)
        elif _is_personal(member, named=named):
            found.append((*path, step))


def _is_personal(value: object, *, named: bool) -> bool:
    if named:
        return value is not None and value != ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return False
    text = value if isinstance(value, str) else str(value)
    return len(text) <= _LONGEST_NUMBER and _MOBILE_NUMBER.fullmatch(text) is not None
