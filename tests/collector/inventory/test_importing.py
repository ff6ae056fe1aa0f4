"""An import on both databases: the difference, all or nothing, history by key, and the way back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from collector.api import Actor, NotFound
from collector.commands import create_join_code
from collector.hub import Hub
from collector.inventory import importing, keeping
from collector.inventory.keeping import Written
from collector.inventory.problems import ImportRefused
from collector.reading.reader import HubReader
from collector.store import tables
from collector.store.databases import open_store
from collector.store.inventory_tables import import_run, inventory
from tests.support.handclock import HandClock

ROOT = Path(__file__).parents[3]
PROVINCE = ROOT / "province" / "bac-ninh"
LAN = Actor("Lan", "cli")
FILES = {
    "communes.csv": "code,name,type,province_code,province\n07375,Phường Lạng Giang,phường,24,Bắc Ninh\n"
    "07330,Xã Phúc Hoà,xã,24,Bắc Ninh\n",
    "centres.csv": "key,name_vi\n07375-1,Xã Lạng Giang\n07330-1,Xã Phúc Hoà\n",
    "lines.csv": "key,kind,carrier,circuit\n07375-1/a,internet,vnpt,VD-1\n07375-1/b,tslcd,vnpt,VD-2\n",
}


def quiet(_stage: str, _done: int, _total: int) -> None:
    pass


def put(folder: Path, **changed: str) -> Path:
    """The small province in a folder, with some files otherwise."""
    folder.mkdir(exist_ok=True)
    for name, text in (FILES | {f"{table}.csv": text for table, text in changed.items()}).items():
        (folder / name).write_text(text, "utf-8")
    return folder


def bring(hub: Hub, path: Path) -> Written:
    return importing.carry_out(hub, LAN, importing.prepare(hub, path, quiet), quiet)


def undo(hub: Hub) -> Written:
    return importing.carry_out(hub, LAN, importing.prepare_undo(hub), quiet)


def counts(hub: Hub, path: Path) -> dict[str, tuple[int, ...]]:
    run = importing.prepare(hub, path, quiet)
    return {table: tuple(found.counts().values()) for table, found in run.difference.items()}


def listed(hub: Hub) -> dict[str, str]:
    return {centre.key: centre.name_vi for centre in HubReader(hub).centres()}


def keys(hub: Hub) -> set[str]:
    return {info.key for info in HubReader(hub).subjects()}


def test_the_example_province_is_whole_and_its_centres_are_on_the_board(hub: Hub) -> None:
    bring(hub, PROVINCE)
    reader = HubReader(hub)
    standings = reader.standings()
    assert len(reader.centres()) == 99
    assert {standings[f"centre:{centre.key}"].reason for centre in reader.centres()} == {"never_measured"}
    with hub.store.reading() as conn:
        held = keeping.held(conn)
    assert sum(body["kind"] == "tslcd" for body in held["lines"].values()) == 229
    assert {key.partition("/")[0] for key in held["lines"]} == set(held["centres"]) == {c.key for c in reader.centres()}
    assert f"{sum(body['type'] == 'phường' for body in held['centres'].values())} of 99" == "45 of 99"
    services = held["services"].values()
    assert not [body["id"] for body in services if body["on"] and body["scope"] == "national"]
    assert not [body["id"] for body in services if body["on"] and body["confidence"] != "confirmed"]
    assert set(counts(hub, PROVINCE).values()) == {(0, 0, 0, len(rows)) for rows in held.values()}


def test_addresses_of_the_example_are_for_documentation_only() -> None:
    rows = (PROVINCE / "lines.csv").read_text("utf-8").splitlines()[1:]
    assert all(row.split(",")[5].startswith(("192.0.2.", "198.51.100.", "203.0.113.")) for row in rows)


def test_centres_and_lines_become_subjects(hub: Hub, tmp_path: Path) -> None:
    bring(hub, put(tmp_path / "p"))
    assert keys(hub) == {
        "centre:07375-1", "lan:07375-1", "line:07375-1/a", "line:07375-1/b", "centre:07330-1", "lan:07330-1",
    }  # fmt: skip
    labels = {info.key: info.label for info in HubReader(hub).subjects("07375-1")}
    assert labels["line:07375-1/b"] == "B · TSLCD VNPT"


def test_a_table_that_is_not_among_the_files_is_left_as_it_is(hub: Hub, tmp_path: Path) -> None:
    bring(hub, put(tmp_path / "p"))
    only = tmp_path / "only"
    only.mkdir()
    (only / "lines.csv").write_text(FILES["lines.csv"].replace("VD-2", "VD-3"))
    assert counts(hub, only) == {"lines": (0, 1, 0, 1)}
    bring(hub, only)
    assert len(listed(hub)) == 2


def test_a_renaming_keeps_the_key_and_the_name_of_its_time(hub: Hub, tmp_path: Path, clock: HandClock) -> None:
    folder = put(tmp_path / "p")
    bring(hub, folder)
    before, revision = clock.wall_ms(), HubReader(hub).revision()
    clock.forward(86_400_000)
    put(folder, centres=FILES["centres.csv"].replace("Xã Lạng Giang", "Phường Lạng Giang"))
    assert counts(hub, folder)["centres"] == (0, 1, 0, 1)
    bring(hub, folder)
    assert listed(hub)["07375-1"] == "Phường Lạng Giang"
    assert HubReader(hub).revision() != revision
    with hub.store.reading() as conn:
        assert keeping.held(conn, ["centres"], before)["centres"]["07375-1"]["name_vi"] == "Xã Lạng Giang"
        old, new = keeping.versions(conn, "centres", "07375-1")
    assert (old.to_ms, new.to_ms) == (new.from_ms, None)


def test_the_last_import_is_taken_back_whole_and_then_the_one_before(hub: Hub, tmp_path: Path) -> None:
    folder = put(tmp_path / "p")
    bring(hub, folder)
    first = listed(hub), keys(hub)
    renamed = "key,name_vi\n07375-1,Một\n07375-2,Hai\n"
    bring(hub, put(folder, centres=renamed, lines="key,kind,carrier\n07375-2/a,mobile,viettel\n"))
    assert listed(hub) == {"07375-1": "Một", "07375-2": "Hai"}
    undo(hub)
    assert (listed(hub), keys(hub)) == first
    undo(hub)
    assert (listed(hub), keys(hub)) == ({}, set())
    with pytest.raises(NotFound, match="no import that could be undone"):
        undo(hub)
    with hub.store.reading() as conn:
        names = [v.body["name_vi"] for v in keeping.versions(conn, "centres", "07375-1")]
        actions = list(conn.scalars(select(tables.audit.c.action).order_by(tables.audit.c.id)))
    assert names == ["Xã Lạng Giang", "Một", "Xã Lạng Giang"]
    assert actions == ["import", "import", "import_undo", "import_undo"]


def test_a_centre_made_by_its_first_join_code_is_adopted_and_given_back(hub: Hub, tmp_path: Path) -> None:
    create_join_code(hub, "07375-1", "box", name_vi="Tên cũ")
    create_join_code(hub, "00000-1", "vantage", name_vi="Phòng máy chủ")
    folder = put(tmp_path / "p")
    assert counts(hub, folder)["centres"] == (1, 1, 0, 0)
    bring(hub, folder)
    assert listed(hub) == {"00000-1": "Phòng máy chủ", "07330-1": "Xã Phúc Hoà", "07375-1": "Xã Lạng Giang"}
    undo(hub)
    assert listed(hub) == {"00000-1": "Phòng máy chủ", "07375-1": "Tên cũ"}


def test_what_was_measured_stays_when_it_leaves_the_inventory(hub: Hub, tmp_path: Path) -> None:
    bring(hub, put(tmp_path / "p"))
    row = {
        "subject": "line:07375-1/a", "at_ms": 1, "from_state": "unknown", "to_state": "ok", "detail": "{}",
        "policy_version": 1, "evidence": "[]", "recorded_ms": 1,
    }  # fmt: skip
    hub.store.writer.do(lambda conn: conn.execute(insert(tables.flip).values(row)).close())
    left = put(tmp_path / "p", centres="key,name_vi\n07330-1,Xã Phúc Hoà\n", lines="key,kind,carrier\n")
    assert bring(hub, left).staying == ("line:07375-1/a", "centre:07375-1")
    assert keys(hub) == {
        "centre:07375-1", "lan:07375-1", "line:07375-1/a", "centre:07330-1", "lan:07330-1",
    }  # fmt: skip


def test_an_import_that_was_outrun_writes_nothing(hub: Hub, tmp_path: Path) -> None:
    folder = put(tmp_path / "p")
    late = importing.prepare(hub, folder, quiet)
    bring(hub, folder)
    with pytest.raises(importing.Outrun, match="in the meantime"):
        importing.carry_out(hub, LAN, late, quiet)
    assert len(listed(hub)) == 2


def test_an_import_that_fails_half_way_leaves_nothing(hub: Hub, tmp_path: Path) -> None:
    def stumble(stage: str, _done: int, _total: int) -> None:
        if stage == "write":
            raise RuntimeError("stumbled")

    run = importing.prepare(hub, put(tmp_path / "p"), quiet)
    with pytest.raises(RuntimeError, match="stumbled"):
        importing.carry_out(hub, LAN, run, stumble)
    assert (listed(hub), counts(hub, tmp_path / "p")["centres"]) == ({}, (2, 0, 0, 0))


CHILD = """
import os, signal, sys
from pathlib import Path
from collector.api import Actor
from collector.hub import Hub
from collector.inventory import importing
from collector.settings import Settings
from collector.store.databases import open_store
from collector.store.inventory_tables import import_run, inventory
from wire.clock import SystemClock
url = sys.argv[1]
store = open_store(url if "://" in url else Path(url), SystemClock())
hub = Hub(store, store.clock, Settings(home=Path(sys.argv[2])))
def die(stage, done, total):
    if stage == "write" and done >= total // 2:
        os.kill(os.getpid(), signal.SIGKILL)
run = importing.prepare(hub, Path(sys.argv[3]), lambda *_: None)
importing.carry_out(hub, Actor("x", "cli"), run, die)
"""


def test_an_import_killed_half_way_leaves_nothing(store_url: str | Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(store_url), str(tmp_path), str(PROVINCE)]
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ), timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    store = open_store(store_url, HandClock())
    with store.reading() as conn:
        for table in (inventory, import_run, tables.subject, tables.centre, tables.audit):
            assert conn.scalar(select(func.count()).select_from(table)) == 0
    store.close()


# --- what rows say about each other (one database is enough) ---------------------------------------------------------

MARKED_HEAD = "id,name_vi,name_en,owner,scope,url,checks,slow_s,period_s,budget_per_minute,on,confidence,private\n"
SERVICE_HEAD = "id,name_vi,name_en,owner,scope,url,checks,slow_s,period_s,budget_per_minute,on,confidence\n"


def said(hub: Hub, folder: Path) -> list[str]:
    with pytest.raises(ImportRefused) as caught:
        importing.prepare(hub, folder, quiet)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("table", "text", "what"),
    [
        pytest.param(
            "centres",
            "key,name_vi\n07376-1,phuong lang giang\n07375-1,a\n",
            "there is no commune 07376. did you mean 07375 (Phường Lạng Giang)?",
            id="name without tones",
        ),
        pytest.param(
            "centres",
            "key,name_vi\n07376-1,Xã Phúc Hòa\n07375-1,a\n",
            "did you mean 07330 (Xã Phúc Hoà)?",
            id="tone mark elsewhere",
        ),
        pytest.param(
            "centres", "key,name_vi\n07376-1,?\n07375-1,a\n", "did you mean 07375 (Phường Lạng Giang)", id="like code"
        ),
        pytest.param(
            "centres",
            "key,name_vi\n07330-1,a\n",
            "lines.csv:2 · key: there is no centre 07375-1",
            id="line without centre",
        ),
        pytest.param("centres", "key,name_vi,hours\n07375-1,a,x\n", "there is no schedule x", id="unknown hours"),
        pytest.param("centres", "key,name_vi,lat\n07375-1,a,21\n", "only one of lat and lon", id="half a place"),
        pytest.param(
            "lines",
            FILES["lines.csv"].replace("VD-2", "VD-1"),
            "vnpt has this circuit at 07375-1/a already",
            id="circuit twice",
        ),
        pytest.param(
            "devices",
            "key,centre,kind\nA,07375-9,pc\n",
            "devices.csv:2 · centre: there is no centre 07375-9",
            id="device without centre",
        ),
        pytest.param(
            "rota", "team,starts,ends,person\nx,2026-11-21,2026-11-20,Lan\n", "there is no team x", id="unknown team"
        ),
        pytest.param(
            "rota",
            "team,starts,ends,person\nx,2026-11-21,2026-11-20,Lan\n",
            "ends before it begins",
            id="shift backwards",
        ),
        pytest.param(
            "services",
            SERVICE_HEAD + "a,A,A,B,province,https://127.0.0.1/,http,5,60,9,true,confirmed\n",
            "leads to an address that is no server",
            id="loopback",
        ),
        pytest.param(
            "services",
            SERVICE_HEAD + "a,A,A,B,province,https://localhost/,http,5,60,9,false,confirmed\n",
            "leads to this machine itself",
            id="localhost",
        ),
        pytest.param(
            "services",
            SERVICE_HEAD + "a,A,A,B,province,https://2130706433/,http,5,60,9,false,confirmed\n",
            "leads to no host of a network",
            id="an address as a number",
        ),
        pytest.param(
            "services",
            SERVICE_HEAD + "a,A,A,B,national,https://10.1.2.3/,http,5,300,9,false,confirmed\n",
            "leads to a private address",
            id="private and national",
        ),
        pytest.param(
            "services",
            SERVICE_HEAD + "a,A,A,B,province,tcp://10.1.2.3:443,tcp,5,60,9,true,confirmed\n",
            "leads to a private address. if it is the province's own network, mark the row private",
            id="private and not marked",
        ),
        pytest.param(
            "services",
            MARKED_HEAD + "a,A,A,B,national,https://10.1.2.3/,http,5,300,9,false,confirmed,true\n",
            "a national service has no private address",
            id="national and marked private",
        ),
        *(
            pytest.param(
                "services",
                MARKED_HEAD + f"a,A,A,B,province,https://{host}/,http,5,60,9,false,confirmed,true\n",
                f"leads to {what}",
                id=f"marked private, but {host}",
            )
            for host, what in (
                ("127.0.0.1", "an address that is no server"),
                ("[::1]", "an address that is no server"),
                ("[::ffff:127.0.0.1]", "an address that is no server"),
                ("169.254.169.254", "an address that is no server"),
                ("0.0.0.0", "an address that is no server"),
                ("127.1", "no host of a network"),
                ("0x7f.0.0.1", "no host of a network"),
                ("0177.0.0.01", "no host of a network"),
                ("lgsp", "no host of a network"),
                ("a.localhost", "this machine itself"),
            )
        ),
        pytest.param(
            "lines",
            "key,kind,carrier,cpe_address\n07375-1/a,tslcd,vnpt,127.0.0.1\n",
            "lines.csv:2 · cpe_address: 127.0.0.1 is an address that is no server",
            id="a line that ends in this machine",
        ),
        pytest.param(
            "lines",
            "key,kind,carrier,reach_by\n07375-1/a,tslcd,vnpt,gateway:224.0.0.1\n",
            "reach_by: 224.0.0.1 is an address that is no server",
            id="a gateway that is a crowd",
        ),
        pytest.param(
            "lines",
            "key,kind,carrier,counters\n07375-1/a,tslcd,vnpt,snmp:wan1@127.0.0.1\n",
            "counters: 127.0.0.1 is an address that is no server",
            id="a router that is this machine",
        ),
        pytest.param(
            "lines",
            "key,kind,carrier,reach_by\n07375-1/a,tslcd,vnpt,pinned:portal.example.vn\n",
            "reach_by: 'portal.example.vn' is not an IP address",
            id="a name, which no router can pin",
        ),
        pytest.param(
            "lines",
            "key,kind,carrier,reach_by\n07375-1/a,tslcd,vnpt,snmp:wan 1; reboot\n",
            "is not an interface of a router",
            id="an interface that is none",
        ),
        pytest.param(
            "lines",
            "key,kind,carrier,reach_by\n07375-1/a,tslcd,vnpt,pinned:198.51.100.9\n"
            "07375-1/b,tslcd,vnpt,pinned:198.51.100.9\n",
            "lines.csv:3 · reach_by: 198.51.100.9 is pinned to 07375-1/a already",
            id="two lines for one target",
        ),
        pytest.param(
            "services",
            SERVICE_HEAD + "a,A,A,B,national,https://a.gov.vn/,http,5,60,9,false,confirmed\n",
            "at most every 300 s",
            id="too often",
        ),
        pytest.param(
            "services",
            SERVICE_HEAD + "a,A,A,B,province,https://a.gov.vn/,http,5,60,9,true,guessed\n",
            "its host is guessed, not confirmed",
            id="guessed and on",
        ),
        pytest.param(
            "services",
            SERVICE_HEAD + "a,A,A,B,province,,,5,60,9,true,confirmed\n",
            "no address or no checks",
            id="nothing to ask",
        ),
        pytest.param(
            "services",
            SERVICE_HEAD + "a,A,A,B,local,wss://127.0.0.1:8987/,websocket,5,60,9,true,confirmed\n",
            "runs on the officials' PCs",
            id="local and on",
        ),
        pytest.param(
            "services",
            SERVICE_HEAD + "a,A,A,B,province,https://u:p@a.gov.vn/,http,5,60,9,false,confirmed\n",
            "is not an address",
            id="password",
        ),
        pytest.param(
            "norms",
            "id,name_vi,name_en,from,to,value,unit,basis,confidence\na,A,A,2026-01-01,2025-01-01,1,s,B,guessed\n",
            "ends before it begins",
            id="norm backwards",
        ),
    ],
)
@pytest.mark.parametrize("store_url", [pytest.param("sqlite", id="sqlite")], indirect=True)
def test_contradictions_are_said_and_nothing_is_imported(
    hub: Hub, tmp_path: Path, table: str, text: str, what: str
) -> None:
    found = said(hub, put(tmp_path / "p", **{table: text}))
    assert any(what in line for line in found), found
    assert listed(hub) == {}


@pytest.mark.parametrize("store_url", [pytest.param("sqlite", id="sqlite")], indirect=True)
def test_an_unknown_commune_is_suggested_by_a_name_it_had_before(hub: Hub, tmp_path: Path) -> None:
    communes = FILES["communes.csv"].replace("province\n", "province,former\n", 1).replace("Bắc Ninh\n", "Bắc Ninh,\n")
    communes = communes.replace("24,Bắc Ninh,\n", "24,Bắc Ninh,Thị trấn Vôi\n", 1)
    found = said(hub, put(tmp_path / "p", communes=communes, centres="key,name_vi\n07376-1,voi\n07375-1,a\n"))
    assert any("did you mean 07375 (Phường Lạng Giang)?" in line for line in found), found


def test_a_private_address_of_the_provinces_own_network_is_allowed_where_it_is_marked(hub: Hub, tmp_path: Path) -> None:
    text = MARKED_HEAD + "lgsp,LGSP,LGSP,Sở KH&CN,province,tcp://10.1.2.3:443,tcp,5,60,9,true,confirmed,true\n"
    assert counts(hub, put(tmp_path / "p", services=text))["services"] == (1, 0, 0, 0)


def test_rows_held_may_not_lose_what_they_hang_on(hub: Hub, tmp_path: Path) -> None:
    bring(hub, put(tmp_path / "p"))
    only = tmp_path / "only"
    only.mkdir()
    (only / "centres.csv").write_text("key,name_vi\n07330-1,Xã Phúc Hoà\n", "utf-8")
    assert "07375-1 is gone, but lines still has 07375-1/a" in said(hub, only)[0]
