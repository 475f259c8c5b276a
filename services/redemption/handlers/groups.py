"""What shares a commit with others of its kind."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from services.redemption.handlers.desk import Answer, Desk
from services.redemption.handlers.grouping import Again, Grouped
from services.redemption.handlers.issue import IssueRequest, issue_all
from services.redemption.handlers.redeem_ours import SpendOfOurs, spend_all
from services.redemption.handlers.scan_ours import ScanOfOurs, look_up
from shared.contracts.asks import CodesAnswer
from shared.messaging.background import background


@dataclass(frozen=True, slots=True)
class Groups:
    scans: Grouped[ScanOfOurs, Answer]
    spends: Grouped[SpendOfOurs, Answer | None]
    issues: Grouped[IssueRequest, CodesAnswer]


@asynccontextmanager
async def grouped(desk: Desk) -> AsyncIterator[Groups]:
    """Serve them beside the body; who waits at the end is still served."""

    async def scans(asked: Sequence[ScanOfOurs]) -> list[Answer]:
        return await look_up(desk, asked)

    async def spends(
        asked: Sequence[SpendOfOurs],
    ) -> list[Answer | Exception | Again | None]:
        return await spend_all(desk, asked)

    async def issues(
        asked: Sequence[IssueRequest],
    ) -> list[CodesAnswer | Exception | Again]:
        return await issue_all(desk, asked)

    groups = Groups(Grouped("scans", scans), Grouped("spends", spends), Grouped("issues", issues))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(background(groups.scans.run, name="scans"))
        await stack.enter_async_context(background(groups.spends.run, name="spends"))
        await stack.enter_async_context(background(groups.issues.run, name="issues"))
        yield groups
