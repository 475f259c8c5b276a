"""`make rehearsal`: a live show of 20,000 orders with every fault of the platform."""

import os
import sys
from pathlib import Path

import pytest

from tests.support.cli import run_qiao
from tests.support.launched import running_qiao

pytestmark = pytest.mark.soak
ORDERS = 2_000 if os.environ.get("QIAO_SHORT") else 20_000
_HOUR_SECONDS = 3600


@pytest.mark.timeout(_HOUR_SECONDS)
async def test_after_a_rehearsal_everybody_agrees(tmp_path: Path) -> None:
    async with running_qiao(tmp_path / "data") as launched:
        said = await run_qiao(
            *("simulate", "live-show", "--orders", str(ORDERS), "--faults", "all"),
            *("--settle-seconds", "600"),
            data=launched.data,
            within_seconds=_HOUR_SECONDS - 120,
        )
    print(said.out)  # noqa: T201 - the figures are what it is run for
    assert said.status == 0, said.err
    assert "Traceback" not in said.err, said.err
    sys.stdout.flush()
