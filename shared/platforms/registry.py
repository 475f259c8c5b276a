"""The platforms by name. Services look one up here and ask it; they never name one."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.errors import NotFound
from shared.platforms.douyin.adapter import Douyin
from shared.platforms.platform import Platform

_ALL: tuple[Platform, ...] = (Douyin(),)

PLATFORMS: Mapping[str, Platform] = MappingProxyType({each.name: each for each in _ALL})


def platform_named(name: str) -> Platform:
    """The platform of that name, as it stands in a row, a request or an event."""
    try:
        return PLATFORMS[name]
    except KeyError:
        raise NotFound(f"no platform is called {name!r}") from None
