"""Why a coupon is refused, and what the clerk should do now, in Chinese and English."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.platforms.guidance import Guidance, Words
from shared.platforms.guidance_on_attempts import ON_ATTEMPTS
from shared.platforms.guidance_on_coupons import ON_COUPONS
from shared.platforms.reason_codes import Reason

__all__ = ["GUIDANCE", "Guidance", "Reason", "Words"]

GUIDANCE: Mapping[Reason, Guidance] = MappingProxyType({**ON_COUPONS, **ON_ATTEMPTS})
