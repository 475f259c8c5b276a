"""What is over is forgotten, and nothing else."""

from datetime import timedelta
from uuid import uuid4

from services.access.queries.sign_in import forget_old_attempts
from services.access.queries.terminals import forget_old_assertions
from shared.postgres.connection import Connection


async def test_only_assertions_too_old_to_be_taken_again_are_forgotten(
    postgres: Connection,
) -> None:
    # In one transaction: the running service forgets too, and sees none of it.
    async with postgres.transaction():
        await postgres.executemany(
            "INSERT INTO used_assertions VALUES ($1, $2, now() - $3::interval)",
            [(uuid4(), str(minutes), timedelta(minutes=minutes)) for minutes in (0, 4, 6, 60)],
        )
        assert await forget_old_assertions(postgres, grace=timedelta(minutes=5), limit=1) == 1
        assert await forget_old_assertions(postgres, grace=timedelta(minutes=5), limit=10) == 1
        kept = await postgres.fetch("SELECT jti FROM used_assertions ORDER BY jti")
    assert [row["jti"] for row in kept] == ["0", "4"]


async def test_only_quiet_logins_that_are_not_locked_are_forgotten(postgres: Connection) -> None:
    day = timedelta(hours=24)
    async with postgres.transaction():
        await postgres.executemany(
            "INSERT INTO sign_in_attempts VALUES"
            " ($1, 5, now() - $2::interval, now() + $3::interval)",
            [
                (b"recent", timedelta(hours=23), timedelta(0)),
                (b"quiet", timedelta(hours=25), -timedelta(hours=1)),
                (b"locked", timedelta(hours=25), timedelta(hours=1)),
            ],
        )
        assert await forget_old_attempts(postgres, older_than=day, limit=10) == 1
        kept = await postgres.fetch("SELECT login_index FROM sign_in_attempts ORDER BY 1")
    assert [row["login_index"] for row in kept] == [b"locked", b"recent"]
