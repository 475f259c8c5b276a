import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.errors import Rejection
from shared.platforms.douyin.scan import encrypted_data_of, is_allowed, parse_scan
from shared.platforms.reasons import Reason
from shared.platforms.scans import EncryptedData, Scan, ShortLink, TypedCode

SHORT = ShortLink("https://v.douyin.com/eHHc1ft/")
LONG = "https://www.iesdouyin.com/share/commerce/coupon/I0Z/?schema_type=13&object_id="
BASE64 = "CgwIARDhJxjLLyABKAESLgosRSH/OAfU5+MZ9y0u3l=="


@pytest.mark.parametrize(
    ("text", "scan"),
    [
        ("https://v.douyin.com/eHHc1ft/", SHORT),
        ("https://v.douyin.com/eHHc1ft", SHORT),
        ("http://v.douyin.com/eHHc1ft/", SHORT),
        ("https://v.douyin.com:443/eHHc1ft/", SHORT),
        ("https://v.douyin.com/eHHc1ft/?utm=1", SHORT),
        ("v.douyin.com/eHHc1ft/", SHORT),
        ("HTTPS://V.DOUYIN.COM/eHHc1ft/\r\n", SHORT),
        ("\ufeff]Q1https://v.douyin.com/eHHc1ft/\t", SHORT),
        ("]Q3\u200bhttps://v.douyin.com/eHHc1ft/", SHORT),
        ("ｈｔｔｐｓ：／／ｖ．ｄｏｕｙｉｎ．ｃｏｍ／ｅＨＨｃ１ｆｔ／", SHORT),
        ("8.97 复制打开抖音，看看【益禾堂】https://v.douyin.com/eHHc1ft/ 团购券 05/20", SHORT),
        ("看看https://v.douyin.com/eHHc1ft/，快来", SHORT),
        ("(https://v.douyin.com/eHHc1ft/).", SHORT),
        ("https://v.douyin.com/e-H_H/", ShortLink("https://v.douyin.com/e-H_H/")),
        (f"{LONG}I0ZwZEZpb2U1N0pj&app=aweme", EncryptedData("I0ZwZEZpb2U1N0pj")),
        (f"{LONG}CgwIARDh%2FOAfU5%2BMZ9y0u3l%3D%3D", EncryptedData("CgwIARDh/OAfU5+MZ9y0u3l==")),
        (f"{LONG}{BASE64}", EncryptedData(BASE64)),
        ("https://iesdouyin.com/x?object_id=I0ZwZEZp", EncryptedData("I0ZwZEZp")),
        ("102539929601", TypedCode("102539929601")),
        (" 1025 3992 9601\r\n", TypedCode("102539929601")),
        ("1025-3992—9601", TypedCode("102539929601")),
        ("１０２５ ３９９２ ９６０１", TypedCode("102539929601")),
        ("\u202d102539929601\u202c", TypedCode("102539929601")),
        ("]C0102539929601\r", TypedCode("102539929601")),
        ("102539929601\r\n102539929601\r\n", TypedCode("102539929601")),
        ("1025 1025 1025", TypedCode("102510251025")),
    ],
)
def test_a_code_is_understood_however_it_reaches_us(text: str, scan: Scan) -> None:
    assert parse_scan(text) == scan


@pytest.mark.parametrize(
    "text",
    [
        "券码 102539929601",
        "券码:1025 3992 9601",
        "核销码: 102539929601",
        "code 102539929601",
        "102539929601102539929601",
        "102539929601 102539929601",
        "١٠٢٥٣٩٩٢٩٦٠١",
    ],
)
def test_a_code_is_found_in_what_people_and_guns_make_of_it(text: str) -> None:
    assert parse_scan(text) == TypedCode("102539929601")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \r\n",
        "abc",
        "1234567",
        "1" * 21,
        "1025399296O1",
        "https://v.douyin.com/",
        "https://v.douyin.com/a/b",
        "https://v.douyin.com@evil.example/eHHc1ft/",
        "https://evil@v.douyin.com/eHHc1ft/",
        "https://v.douyin.com.evil.example/eHHc1ft/",
        "https://evil.example/v.douyin.com/eHHc1ft/",
        "https://evil.example/?object_id=I0ZwZEZpb2U1N0pj",
        "https://notdouyin.com/?object_id=I0ZwZEZpb2U1N0pj",
        "https://v.douyin.com:8443/eHHc1ft/",
        "https://v.douyin.com:port/eHHc1ft/",
        "https://[v.douyin.com/eHHc1ft/",
        "http://127.0.0.1:7009/eHHc1ft/",
        "http://169.254.169.254/latest/",
        "ftp://v.douyin.com/eHHc1ft/",
        "javascript:alert(1)",
        f"{LONG}",
        f"{LONG}short",
        f"{LONG}{'x' * 1025}",
        f"{LONG}%00%00%00%00%00%00%00%00",
        "9" * 2001,
    ],
)
def test_anything_else_is_refused_as_unreadable(text: str) -> None:
    with pytest.raises(Rejection) as caught:
        parse_scan(text)
    assert caught.value.reason == Reason.CODE_UNREADABLE


def test_only_the_origins_given_may_be_fetched() -> None:
    origins = ("http://127.0.0.1:7009",)
    link = ShortLink("http://127.0.0.1:7009/eHHc1ft/")
    assert parse_scan("http://127.0.0.1:7009/eHHc1ft", short_link_origins=origins) == link
    assert is_allowed(link, short_link_origins=origins)
    assert not is_allowed(SHORT, short_link_origins=origins)
    with pytest.raises(Rejection):
        parse_scan("https://v.douyin.com/eHHc1ft/", short_link_origins=origins)


@given(
    text=st.text(max_size=200)
    | st.text(alphabet="https:/v.douyin.com?object_id=&[]@%09", max_size=80)
)
@example("https://[::1/x")
@example("https://v.douyin.com/\udc80/")
def test_no_text_makes_parsing_fail_in_another_way(text: str) -> None:
    scan = reason = None
    try:
        scan = parse_scan(text)
    except Rejection as rejection:
        reason = rejection.reason
    assert (reason == Reason.CODE_UNREADABLE) == (scan is None)
    if isinstance(scan, ShortLink):
        assert is_allowed(scan, short_link_origins=("https://v.douyin.com",))


@given(code=st.from_regex(r"[0-9]{12,15}", fullmatch=True), data=st.data())
def test_blanks_and_dashes_never_change_a_typed_code(code: str, data: st.DataObject) -> None:
    gaps = st.sampled_from(["", " ", "-", "\u3000", "\u2014", "\u00a0"])
    typed = "".join(digit + data.draw(gaps) for digit in code)
    assert parse_scan(typed) == TypedCode(code)


@pytest.mark.parametrize(
    ("location", "found"),
    [
        (f"{LONG}I0ZwZEZpb2U1N0pj", EncryptedData("I0ZwZEZpb2U1N0pj")),
        # The platform: look at object_id only, domain and path may change.
        ("https://coupon.example/new?object_id=I0ZwZEZp", EncryptedData("I0ZwZEZp")),
        ("https://www.iesdouyin.com/", None),
        ("/share?object_id=I0ZwZEZp", None),
        ("", None),
        ("https://[", None),
    ],
)
def test_a_redirect_is_read_by_its_object_id(location: str, found: EncryptedData | None) -> None:
    assert encrypted_data_of(location) == found
