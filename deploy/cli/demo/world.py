"""Who is in the demo: plain data."""

from dataclasses import dataclass

PLATFORM = "douyin"


@dataclass(frozen=True, slots=True)
class Store:
    store_id: str
    name: str
    poi_id: str
    terminals: int = 2


@dataclass(frozen=True, slots=True)
class Merchant:
    merchant: str
    name: str
    account_id: str | None
    stores: tuple[Store, ...] = ()


@dataclass(frozen=True, slots=True)
class App:
    """`owner` is whose it is; a provider's app also speaks for the other merchants it serves."""

    client_key: str
    owner: str
    kind: str
    serves: tuple[str, ...]


MERCHANTS = (
    Merchant(
        "yihetang",
        "益禾堂",
        "7094221573452761123",
        (
            Store("yht-guanggu", "益禾堂(光谷店)", "7084220012345678901"),
            Store("yht-jiedaokou", "益禾堂(街道口店)", "7084220012345678902"),
            Store("yht-hanjie", "益禾堂(汉街店)", "7084220012345678903"),
        ),
    ),
    Merchant("qianqianhui", "千千惠", None),
    Merchant("atan", "阿谭健身", None),
    Merchant(
        "shouke",
        "首客首享",
        "7094221573452762456",
        (Store("shouke-north", "首客首享(北门)", "7084220012345678911"),),
    ),
)
APPS = (
    App("awdemoyihetang01", "yihetang", "life", ("yihetang",)),
    App("awdemoqianqian01", "qianqianhui", "provider", ("shouke",)),
)
OWNER_MERCHANT, OWNER_LOGIN, OWNER_NAME = "yihetang", "owner", "店主"


def merchant_named(slug: str) -> Merchant:
    return next(one for one in MERCHANTS if one.merchant == slug)


def stores() -> list[Store]:
    return [store for merchant in MERCHANTS for store in merchant.stores]
