"""What `--faults` understands."""

import pytest

from deploy.cli.simulation.faults import read_faults
from deploy.embedded.problems import Problem
from services.simulator.domain.faults import PRESETS, CallKind, Faults


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_of_the_simulator_is_passed_on_by_name(name: str) -> None:
    assert read_faults(name, seed=1) == name


def test_switches_are_what_the_simulator_understands() -> None:
    text = "lost=5, late=10,doubled=30,error=7,verify.dropped_after=20,verify.slow=1"
    read = read_faults(text, seed=9)
    assert isinstance(read, dict)
    faults = Faults.model_validate(read)
    assert faults.seed == 9
    assert (faults.webhooks.lost, faults.webhooks.late, faults.webhooks.doubled) == (5, 10, 30)
    verify, prepare = faults.of_call(CallKind.VERIFY), faults.of_call(CallKind.PREPARE)
    assert verify is not None
    assert prepare is not None
    assert (verify.dropped_after, verify.slow, prepare.error) == (20, 1, 7)


@pytest.mark.parametrize("call", list(CallKind))
def test_every_call_of_the_simulator_can_be_named(call: CallKind) -> None:
    read = read_faults(f"{call}.error=1", seed=1)
    assert isinstance(read, dict)
    assert Faults.model_validate(read).of_call(call) is not None


@pytest.mark.parametrize(
    "text", ["some", "lost", "lost=", "lost=1001", "lost=-1", "verify.lost=5", "pay.error=5"]
)
def test_what_is_not_understood_is_refused_with_all_that_is(text: str) -> None:
    with pytest.raises(Problem, match="--faults") as refused:
        read_faults(text, seed=1)
    assert "dropped_before" in refused.value.remedy.en
