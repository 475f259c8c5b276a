"""Calls to platforms: access tokens, fetched with an application's secret."""

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from shared.platforms.registry import platform_named
from shared.platforms.tokens import AccessToken


@dataclass(frozen=True, slots=True)
class TokenGateway:
    session: aiohttp.ClientSession
    base_urls: Mapping[str, str]

    async def fetch(self, *, platform: str, client_key: str, client_secret: str) -> AccessToken:
        """Always a new token. Raises Refused or Retry."""
        keeper = platform_named(platform).new_token_keeper(
            self.session,
            base_url=self.base_urls[platform],
            client_key=client_key,
            client_secret=client_secret,
        )
        return await keeper.access_token()
