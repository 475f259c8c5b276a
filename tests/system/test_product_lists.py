"""`qiao product import | export | sync` against everything that `qiao up` starts."""

from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.support.cli import run_qiao
from tests.support.launched import Launched
from tests.support.waiting import eventually

_HEADER = "商品编号,类型,商品名,售价,库存,平台类目,上架\n"


async def test_a_list_is_imported_sold_at_the_platform_and_exported(
    qiao: Launched, tmp_path: Path
) -> None:
    name = f"list-{uuid4().hex[:8]}"
    good, bad, out = tmp_path / "good.csv", tmp_path / "bad.csv", tmp_path / "out.xlsx"
    good.write_text(f"{_HEADER}{name},团餐券,双人下午茶,88,50,1002001,是\n", encoding="gb18030")
    bad.write_text(f"{_HEADER}{name},团餐券,[双人],八十八,50,1002001,是\n")
    importing = ("product", "import", "--merchant", "yihetang", "--json")

    async def tried() -> Any:
        said = await run_qiao(*importing, str(good), "--dry-run", data=qiao.data)
        return said.status == 0 and said.json

    assert (await eventually(tried, what="the merchant known"))["created"] == 1
    refused = await run_qiao(
        "product", "import", str(bad), "--merchant", "yihetang", data=qiao.data
    )
    assert refused.status == 1
    assert "八十八" in refused.out
    done = await run_qiao(*importing, str(good), data=qiao.data)
    assert (done.status, done.json["created"]) == (0, 1)

    async def synced() -> Any:
        shown = await run_qiao("product", "sync", name, "--json", data=qiao.data)
        return shown.status == 0 and shown.json["state"] == "synced"

    await eventually(synced, within_seconds=60, what="sold at the simulator")
    pushed = await run_qiao("product", "sync", name, "--action", "push", "--json", data=qiao.data)
    assert pushed.json["product_id"] == name
    written = await run_qiao(
        "product", "export", str(out), "--merchant", "yihetang", data=qiao.data
    )
    assert written.status == 0
    again = await run_qiao(*importing, str(out), data=qiao.data)
    assert (again.status, again.json["created"], again.json["updated"]) == (0, 0, 0)
