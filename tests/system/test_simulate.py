"""What `qiao simulate` meets and refuses; `make rehearsal` holds it to every claim."""

import pytest

from tests.support.cli import run_qiao
from tests.support.launched import Launched


@pytest.mark.timeout(300)
async def test_the_rehearsal_did_meet_what_it_is_for(qiao: Launched) -> None:
    """A run without faults, repetitions and refusals would prove nothing."""
    faults = "doubled=100,conflicting=80,forged=80,lost=50,verify.dropped_after=80"
    said = await run_qiao(
        *("simulate", "live-show", "--orders", "100", "--faults", faults),
        *("--seed", "11", "--json"),
        data=qiao.data,
        within_seconds=240,
    )
    assert said.status == 0, f"{said.out}\n{said.err}"
    verdict = said.json
    for copy in ("true", "double", "conflict", "forged"):
        assert verdict["webhooks"]["sent"][copy] > 0, copy
    assert verdict["webhooks"]["lost"] > 0
    deliveries, sent = verdict["deliveries"], verdict["webhooks"]["sent"]
    # A second copy of what was contradicted before it came is one more contradiction.
    assert deliveries["duplicates"] + deliveries["conflicts"] >= sent["double"] + sent["conflict"]
    assert deliveries["refused"] >= sent["forged"]
    assert verdict["faults_injected"]["verify:dropped_after"] > 0
    assert verdict["redeemed"] > 0
    assert verdict["refunds"]["accepted"] > 0
    assert verdict["events_heard"]["coupon.redeemed"] >= verdict["redeemed"]


async def test_a_scenario_that_does_not_exist_is_named_with_those_that_do(qiao: Launched) -> None:
    said = await run_qiao("simulate", "loud-night", data=qiao.data)
    assert said.status == 1
    assert "live-show" in said.err
    assert "Traceback" not in said.err


async def test_faults_that_do_not_exist_are_refused_before_anything_is_sent(
    qiao: Launched,
) -> None:
    said = await run_qiao("simulate", "quiet-day", "--faults", "lots=5", data=qiao.data)
    assert said.status == 1
    assert "verify.dropped_after=20" in said.err
