"""The platform's own key pair, made once and kept."""

import asyncio

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from services.simulator.handlers.world import World
from services.simulator.queries import apps

_NAME = "platform"
# What SHA256-RSA2048 says.
_BITS = 2048


async def platform_key(world: World) -> RSAPrivateKey:
    if world.platform_key is None:
        async with world.pool.acquire() as conn:
            text = await apps.find_platform_key(conn, _NAME)
        if text is None:
            made = await asyncio.to_thread(_new_key)
            async with world.pool.acquire() as conn:
                await apps.add_platform_key(conn, _NAME, made)
                text = await apps.find_platform_key(conn, _NAME) or made
        key = load_pem_private_key(text.encode(), None)
        if not isinstance(key, RSAPrivateKey):
            message = "the platform signs with RSA"
            raise TypeError(message)
        world.platform_key = key
    return world.platform_key


async def public_key(world: World) -> str:
    key = await platform_key(world)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
