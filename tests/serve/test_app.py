"""The service, asked as clients do: through HTTP, by a program of its own, and by random requests."""

import io
import json
import re
import shutil
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from pyarrow import csv, ipc

from barmill import read_bars
from barmill.serve.app import create_app
from tests.support.market import FIRST_STAGES, NASDAQ, MarketProject

TOKEN = "correct horse"
DATES = ["20240102", "20240103", "20240104", "20240105"]


@pytest.fixture(scope="module")
def _built(tmp_path_factory: pytest.TempPathFactory) -> MarketProject:
    project = MarketProject.make(tmp_path_factory.mktemp("serve") / "built", [*FIRST_STAGES, "chunks", "sessions"])
    project.raw(NASDAQ, "AAPL.US", DATES)
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    project.series("crypto/daily/BTC", DATES)
    project.good()
    return project


@pytest.fixture
def project(_built: MarketProject, tmp_path: Path) -> MarketProject:
    """A built project of two datasets."""
    shutil.copytree(_built.root, tmp_path / "p", symlinks=True)
    return MarketProject(tmp_path / "p")


@pytest.fixture
def client(project: MarketProject) -> TestClient:
    """A client of its service."""
    return TestClient(create_app(project.root), base_url="http://127.0.0.1:8321")


def test_datasets(client):
    """Each dataset is listed with its range; a class selects."""
    found = client.get("/datasets").json()
    assert [each["name"] for each in found] == ["AAPL.US", "crypto/daily/BTC"]
    assert (found[0]["rows"], found[0]["start"], found[0]["end"]) == (4, "2024-01-02", "2024-01-05")
    assert [each["name"] for each in client.get("/datasets?asset_class=crypto").json()] == ["crypto/daily/BTC"]


def test_health_is_that_of_the_command(client, project):
    """The same totals and verdicts as `doit health --json`."""
    told = json.loads(project.doit("health", "--json").out)
    found = client.get("/health").json()
    assert (found["totals"], found["by_asset_class"]) == (told["totals"], told["by_asset_class"])
    assert [each["status"] for each in found["datasets"]] == [each["status"] for each in told["datasets"]]


def test_bars_are_those_that_are_read(client, project):
    """JSON, CSV, Parquet and Arrow say what `read_bars` returns; the limit cuts JSON off, and says so."""
    asked = "/bars?symbol=AAPL.US&symbol=BTC&start=2024-01-03&end=2024-01-05&column=close"
    expected = read_bars(["AAPL.US", "BTC"], "2024-01-03", "2024-01-05", ["close"], root=project.root)
    found = client.get(asked).json()
    assert found["columns"] == ["name", "date", "close"]
    assert found["rows"] == [[r["name"], str(r["date"]), r["close"]] for r in expected.to_pylist()]
    assert not found["more"]
    assert client.get(f"{asked}&limit=1").json() == {**found, "rows": found["rows"][:1], "more": True}
    assert pq.read_table(io.BytesIO(client.get(f"{asked}&form=parquet").content)).equals(expected)
    assert ipc.open_stream(client.get(f"{asked}&form=arrow").content).read_all().equals(expected)
    lines = client.get(f"{asked}&form=csv").text.splitlines()
    assert lines[:2] == ['"name","date","close"', '"AAPL.US",2024-01-03,10']


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("fill", ["", "&fill=forward"])
def test_limit_cuts_off_every_form(client, project, monkeypatch, form, fill):
    """CSV, Parquet and Arrow have the first `limit` bars, byte for byte the same each time; later datasets are not read."""
    asked = f"/bars?symbol=BTC&symbol=AAPL.US&form={form}{fill}"
    read = {
        "csv": lambda body: csv.read_csv(io.BytesIO(body)),
        "parquet": lambda body: pq.read_table(io.BytesIO(body)),
        "arrow": lambda body: ipc.open_stream(body).read_all(),
    }[form]
    answer = client.get(asked)
    whole = read(answer.content)
    assert b"\0\0\0\0\0\0\0\0\0\0" not in answer.content or form != "csv"
    assert answer.content == client.get(asked).content
    assert whole.num_rows > 5
    for limit in (1, 4, 5, 100):
        assert read(client.get(f"{asked}&limit={limit}").content).equals(whole.slice(0, limit))
    shutil.rmtree(project.root / "artifacts/chunks/crypto")
    assert read(client.get(f"{asked}&limit=4").content).equals(whole.slice(0, 4))


@pytest.mark.parametrize("query", ["fill=x", "fill=", "limit=0", "limit=100001", "start=yesterday", "form=xml", "limit=1.5"])
def test_a_bad_parameter_is_unprocessable(client, query):
    """What a parameter can't mean is refused with 422, whatever the form."""
    for form in ("", "&form=csv"):
        assert client.get(f"/bars?symbol=AAPL.US&{query}{form if 'form' not in query else ''}").status_code == 422


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/bars?symbol=AAPLL.US", 404, "no dataset with bars is called 'AAPLL.US'"),
        ("/bars?symbol=../../pyproject.toml", 404, "no dataset with bars is called '../../pyproject.toml'"),
        ("/bars?symbol=AAPL.US&column=vwap", 404, "bars have no column vwap"),
        ("/history?dataset=..%2F..%2Fetc%2Fpasswd", 404, "no dataset with bars is called '../../etc/passwd'"),
    ],
)
def test_what_is_not_there_is_told(client, path, status, error):
    """A fault has its status, the fact and the cure; a path that climbs is the name of nothing."""
    found = client.get(path)
    assert (found.status_code, found.json()["error"]) == (status, error)
    assert found.json()["hint"]


def test_a_damaged_chunk_is_never_served(client, project):
    """Bytes that the manifest does not vouch for are an error, not bars."""
    chunk = next((project.root / "artifacts/chunks/AAPL.US").glob("*.parquet"))
    data = bytearray(chunk.read_bytes())
    data[40] ^= 1
    chunk.chmod(0o644)
    chunk.write_bytes(data)
    found = client.get("/bars?symbol=AAPL.US")
    assert (found.status_code, found.json()["hint"]) == (503, 'run "doit chunks:AAPL.US"')


def test_other_host_names_are_refused(project):
    """A page of another site, whose name was made to lead here, reads nothing."""
    assert TestClient(create_app(project.root), base_url="http://evil.example").get("/datasets").status_code == 400


def test_updates_need_the_token(client, monkeypatch):
    """Without a token in the settings nobody updates; with one only those who send it."""
    assert client.post("/updates", json={}).status_code == 403
    monkeypatch.setenv("BARMILL_TOKEN", TOKEN)
    assert client.post("/updates", json={}).status_code == 401
    wrong = client.post("/updates", json={}, headers={"Authorization": "Bearer wrong"})
    assert (wrong.status_code, wrong.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("token", ["pässwörd", "パスワード", "plain"])
def test_a_token_of_any_letters_is_compared_byte_by_byte(client, monkeypatch, token):
    """A client that sends UTF-8 has the token; a part of it, or more, is not the token."""
    monkeypatch.setenv("BARMILL_TOKEN", token)
    for sent, status in ((token, 200), (token[:-1], 401), (token + "x", 401)):
        headers = {"Authorization": f"Bearer {sent}".encode()}
        assert client.post("/updates", json={"symbols": ["NONE"]}, headers=headers).status_code == status


def test_an_update_brings_new_bars(client, project, tmp_path, monkeypatch):
    """An update through HTTP is that of `doit update`: the series grows, and the history has it; a bad name fails alone."""
    (tmp_path / "source").mkdir()
    for dates in (DATES, [*DATES, "20240108"]):
        text = "\n".join(["Date,Open,High,Low,Close,Volume", *(f"{d[:4]}-{d[4:6]}-{d[6:]},1,2,0.5,1,7" for d in dates)])
        (tmp_path / "source/ETH.csv").write_text(text + "\n")
        if dates is DATES:
            project.good("load", "-p", "csv", "--source", str(tmp_path / "source"), "-s", "ETH", "-a", "crypto")
    monkeypatch.setenv("BARMILL_TOKEN", TOKEN)
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    found = client.post("/updates", json={"symbols": ["ETH", "--help"]}, headers=bearer)
    assert (found.status_code, found.json()["ok"]) == (200, False)
    assert [each["status"] for each in found.json()["datasets"]] == ["failed", "ok"]
    assert (project.root / "data/series/crypto/daily/ETH.txt").read_text().count("\n") == 1 + 5
    updates = client.get("/history?dataset=ETH").json()["updates"]
    assert [(each["kind"], each["status"]) for each in updates] == [("load", "ok"), ("update", "ok")]


def test_the_command_serves_on_loopback(project):
    """`doit serve` answers a plain client, refuses to listen to others unasked, and ends with a signal."""
    assert "others may reach this address" in project.bad("serve", "--host", "0.0.0.0", code=3)
    process = project.start("serve", "--port", "0")
    address = ""
    while not address:
        line = process.stderr.readline()
        assert line, "the service ended before it listened"
        address = next(iter(re.findall(r"http://127\.0\.0\.1:\d+", line)), "")
    with urllib.request.urlopen(f"{address}/openapi.json") as answer:
        assert set(json.load(answer)["paths"]) == {"/datasets", "/health", "/history", "/bars", "/updates"}
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(urllib.request.Request(f"{address}/updates", b"{}", {"Content-Type": "application/json"}))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode in {0, 130}
