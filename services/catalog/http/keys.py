"""What the application carries for its handlers beyond what all services have."""

from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web

# By whose clock times without a zone are meant.
ZONE: Final = web.AppKey("ZONE", ZoneInfo)
