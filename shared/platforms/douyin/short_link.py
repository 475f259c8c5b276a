"""Where a short link leads: the one request that goes to an address a customer showed us."""

from collections.abc import Collection

import aiohttp

from shared.platforms.douyin.scan import encrypted_data_of, is_allowed
from shared.platforms.douyin.transport import FIRST_SERVER_ERROR_STATUS, TimeLimits
from shared.platforms.outcomes import Refused, Retry
from shared.platforms.reasons import Reason
from shared.platforms.scans import EncryptedData, ShortLink

REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def resolve(
    session: aiohttp.ClientSession,
    link: ShortLink,
    *,
    origins: Collection[str],
    limits: TimeLimits,
) -> EncryptedData:
    """Read the redirect, follow nothing, read no body."""
    if not is_allowed(link, short_link_origins=origins):
        raise Refused("this link is not the platform's", reason=Reason.CODE_UNREADABLE)
    status, location = await _ask(session, link, limits=limits)
    if status >= FIRST_SERVER_ERROR_STATUS:
        raise Retry(f"the short link answered {status}", reason=Reason.PLATFORM_BUSY)
    found = encrypted_data_of(location) if status in REDIRECTS else None
    if found is None:
        # A code that was used up, or refreshed on the phone, leads elsewhere.
        raise Refused("the link no longer leads to a coupon", reason=Reason.QR_EXPIRED)
    return found


async def _ask(
    session: aiohttp.ClientSession, link: ShortLink, *, limits: TimeLimits
) -> tuple[int, str]:
    try:
        async with session.get(
            link.url, timeout=limits.for_aiohttp(), allow_redirects=False
        ) as response:
            # Closing instead of releasing: whatever body there is stays unread.
            response.close()
            return response.status, response.headers.get("Location", "")
    except (TimeoutError, aiohttp.ClientError):
        raise Retry(
            "the short link cannot be reached", reason=Reason.PLATFORM_UNREACHABLE
        ) from None
