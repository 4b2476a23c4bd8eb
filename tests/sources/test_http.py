"""CSV over HTTP, from a real server that fails in every way that servers do."""

import datetime as dt
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
import stamina

from barmill.errors import InputError, SourceError, UnknownSymbol
from barmill.sources.http import HttpCsv, _is_torn, _retry_after, without_secrets
from barmill.sources.provider import Request
from tests.support.prices import weekdays
from tests.support.server import PriceServer, serving

PRICES = {day: 10.0 + number for number, day in enumerate(weekdays("2024-01-01", 30))}


@pytest.fixture
def server():
    """A server that has acme.us."""
    with serving(PriceServer({"acme.us": PRICES})) as found:
        yield found


@pytest.fixture
def hasty():
    """Retries without their waits."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


def ask(server, symbol="ACME.US", **options):
    """Days that are fetched."""
    provider = HttpCsv("web", **{"url": server.url, **options})
    bars = provider.fetch(Request(symbol, "daily", dt.date(2024, 1, 3), dt.date(2024, 1, 9))).bars
    return bars.table.column("date").to_pylist()


WEEK = ["2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09"]


def test_address(server):
    """The template puts in symbol, dates and period as Stooq wants them."""
    assert ask(server) == WEEK
    assert server.asked[0][2] == {"s": ["acme.us"], "d1": ["20240103"], "d2": ["20240109"], "i": ["d"]}


def test_symbols_are_quoted(server):
    """A symbol's marks can't change the address."""
    server.closes["^a&b=1"] = PRICES
    assert ask(server, "^A&B=1") == WEEK


@pytest.mark.parametrize(
    "faults", [[503], [500, 502, 504], ["truncated"], ["torn"], ["dropped"], [429], ["truncated", 503, "dropped"]]
)
def test_passing_faults_are_asked_again(server, hasty, faults):
    """A server's fault, a body that ends too early, no answer at all: asked again until it is good."""
    server.faults["acme.us"] = list(faults)
    assert ask(server) == WEEK
    assert len(server.asked) == len(faults) + 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [(503, "answers 503"), ("truncated", "broke off after"), ("torn", "within a line"), ("dropped", "gives no answer")],
)
def test_a_lasting_fault_is_told(server, hasty, fault, words):
    """After the last attempt the fault is told, with the address; a part of an answer is never taken."""
    server.faults["acme.us"] = [fault] * 9
    with pytest.raises(SourceError, match=words) as caught:
        ask(server)
    assert "http://127.0.0.1" in caught.value.fact
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [(404, UnknownSymbol, "404"), (403, SourceError, "403"), (401, SourceError, "401"), (400, SourceError, "400")],
)
def test_a_refusal_is_not_asked_again(server, fault, error, words):
    """A 4xx is an answer: it is told at once, and 404 means that the symbol is unknown."""
    server.faults["acme.us"] = [fault] * 2
    with pytest.raises(error, match=words):
        ask(server)
    assert len(server.asked) == 1


def test_an_error_page_is_refused_by_name(server):
    """An HTML page with status 200 is not asked again, and told with its title."""
    server.faults["acme.us"] = ["page"] * 2
    with pytest.raises(InputError, match="an HTML page titled '502 Bad Gateway'"):
        ask(server)
    assert len(server.asked) == 1


def test_a_slow_server(server, hasty):
    """An answer that takes longer than the time-out is asked for again."""
    server.faults["acme.us"] = ["slow"]
    assert ask(server, timeout=0.3) == WEEK
    assert len(server.asked) == 2


def test_retry_after_is_heeded(server):
    """A server that names a time is not asked before it."""
    server.faults["acme.us"] = ["limited"]
    assert ask(server) == WEEK
    first, second = (moment for moment, _, _ in server.asked)
    assert second - first >= 1.0


def test_how_long_to_wait():
    """Retry-After is seconds or a date, at most five minutes; nonsense is none."""
    assert (_retry_after("7"), _retry_after("86400"), _retry_after("-3")) == (7.0, 300.0, 0.0)
    assert (_retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), _retry_after("soon"), _retry_after("")) == (0.0, None, None)


def test_rate(server):
    """Threads together ask no more often than the rate says."""
    provider = HttpCsv("web", server.url, rate=20.0)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(provider.fetch, [Request("ACME.US", "daily")] * 6))
    moments = sorted(moment for moment, _, _ in server.asked)
    assert moments[-1] - moments[0] >= 5 / 20.0 * 0.8


def test_nobody_there(hasty):
    """A port where nobody listens is named."""
    with pytest.raises(SourceError, match=r"127.0.0.1:9/.* gives no answer: .*refused"):
        HttpCsv("web", "http://127.0.0.1:9/{symbol}").fetch(Request("A", "daily"))


KEY = "s3cret-k3y"


@pytest.mark.parametrize("fault", [401, 403, 404, 503, "dropped", "truncated", "torn", "page", "redirected to itself"])
def test_query_values_and_passwords_are_in_no_error_and_no_warning(server, hasty, caplog, fault):
    """Whatever a server answers, a key in the address, in its user part or in a header is not shown."""
    server.faults["acme.us"] = [server.own("/again?s=acme.us&apikey=" + KEY) if fault == "redirected to itself" else fault] * 40
    url = f"{server.url}&apikey={KEY}"
    provider = HttpCsv("web", url, headers={"Authorization": f"Bearer {KEY}"})
    with caplog.at_level(logging.DEBUG), pytest.raises((SourceError, InputError)) as caught:
        provider.fetch(Request("ACME.US", "daily", dt.date(2024, 1, 3), dt.date(2024, 1, 9)))
    assert KEY not in f"{caught.value} {caught.value.__cause__} {caplog.text}"
    assert without_secrets(url.replace("://", f"://me:{KEY}@")) == f"{server.own('/q/d/l/')}?s=…&d1=…&d2=…&i=…&apikey=…"


def test_an_address_with_a_blank_is_refused_without_its_key(server):
    """urllib quotes the whole address where it is not valid; the error does not."""
    with pytest.raises(SourceError, match="is not a valid URL") as caught:
        ask(server, url=f"{server.url}&apikey={KEY} x")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_headers_are_sent_to_the_host_of_the_settings_only(server, status):
    """A redirect to another port, which is another origin, gets no header of the settings; one to the same origin does."""
    headers = {"Authorization": "Bearer " + KEY, "X-Api-Key": KEY, "Cookie": "session=" + KEY}
    query = "/other?s=acme.us&d1=20240103&d2=20240109&i=d"
    with serving(PriceServer({"acme.us": PRICES})) as other:
        for to, sent in ((server, True), (other, False)):
            server.faults["acme.us"] = [(status, to.own(query))]
            assert ask(server, headers=headers) == WEEK
            assert [to.headers[-1].get(name) for name in headers] == [value if sent else None for value in headers.values()]
            assert to.headers[-1]["User-Agent"] == "barmill"


@pytest.mark.parametrize(
    ("body", "torn"),
    [
        (b"Date,Open,High,Low,Close,Volume\n2024-01-31,1,2,1,2,7\n", False),
        (b"Date,Open,High,Low,Close,Volume\n2024-01-31,1,2,1,2\n", False),
        (b"Date,Open,High,Low,Close,Volume\n2024-01-31,1,2,1,2", True),
        (b"Date;Open;High;Low;Close\n2024-01-30;1;2;1;2\n2024-01-31;1;2", True),
        (b"Date\tClose\n2024-01-31", True),
        (b"Date", False),
    ],
)
def test_torn_bodies(body, torn):
    """A last line without its end and with fewer fields is torn, whatever separates them."""
    assert _is_torn(body) == torn


def test_a_compressed_answer(monkeypatch):
    """A server may answer with a gzip file."""
    import gzip

    data = gzip.compress(b"Date;Open;High;Low;Close\n31.01.2024;1,5;2;1;2\n")
    monkeypatch.setattr(HttpCsv, "_get", lambda *_: data)
    bars = HttpCsv("web", "http://127.0.0.1:9/{symbol}").fetch(Request("A", "daily")).bars
    assert bars.table.column("open").to_pylist() == [1.5]
