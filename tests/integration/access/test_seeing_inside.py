"""What an operator sees of access: ready or not, counted, and at work while NATS is away."""

from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import NewDatabase
from tests.support.access import Access, refusal, running_access
from tests.support.servers import free_port


async def _metric(access: Access, name: str, **labels: str) -> float:
    async with access.session.get(f"{access.url}/metrics") as response:
        text = await response.text()
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def test_sign_ins_tokens_and_refusals_are_counted(access: Access) -> None:
    person = await access.add_staff(await access.new_merchant())
    terminal = await access.add_terminal(await access.add_store(person.merchant))

    async def counted() -> list[float]:
        return [
            await _metric(access, "qiao_access_sign_ins_total", outcome="granted"),
            await _metric(access, "qiao_access_sign_ins_total", outcome="refused"),
            await _metric(access, "qiao_access_tokens_issued_total", kind="staff"),
            await _metric(access, "qiao_access_tokens_issued_total", kind="terminal"),
            await _metric(access, "qiao_refusals_total", reason="sign_in_refused"),
        ]

    before = await counted()
    await person.sign_in()
    await refusal(person.sign_in("wrong horse 42"))
    await terminal.token()
    after = await counted()
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, 1, 1, 1]


async def test_it_is_ready_with_its_own_keys(access: Access) -> None:
    answer = await access.call("GET", "/readyz")
    assert (answer["status"], answer["missing"]) == ("ok", [])


async def test_without_nats_people_and_terminals_are_let_in_all_the_same(
    database: NewDatabase,
) -> None:
    nowhere = f"nats://127.0.0.1:{free_port()}"
    async with running_access(await database("access"), nowhere) as access:
        person = await access.add_staff(await access.new_merchant())
        terminal = await access.add_terminal(await access.add_store(person.merchant))
        assert await terminal.token()
        token = await person.token()
        await access.as_operator("POST", f"/v1/staff/{person.staff_id}/deactivate")
        asked = access.call("GET", "/v1/stores", token=token)
        assert await refusal(asked) == (401, "token_revoked")
        answer = await access.call("GET", "/readyz")
        assert (answer["status"], answer["nats"]) == ("ok", "away: events wait")
