"""The remote over plain HTTP: GET, HEAD and PUT are enough."""

import os

import pytest

from barmill.errors import RemoteError
from barmill.hashing import digest_bytes
from tests.store.remote.places import KEY, cache_at, contents, put
from tests.store.remote.web import serving

FILES = {"a.txt": b"a" * 100, "deep/b.bin": bytes(range(256)) * 40_000, "c": b"c" * 2_000_000}


@pytest.fixture
def web():
    with serving() as web:
        yield web


@pytest.fixture
def ours(tmp_path, web):
    return cache_at(tmp_path / "ours", web.url)


@pytest.fixture
def theirs(tmp_path, web):
    return cache_at(tmp_path / "theirs", web.url, patience=0.5)


def test_a_result_travels(ours, theirs):
    """Small and large objects come through a web server as they were."""
    record = put(ours, FILES)
    ours.remote.send([record.key])
    assert theirs.remote.fetch([record.key]) == {record.key}
    for data in FILES.values():
        assert theirs.objects.content(theirs.objects.path(digest_bytes(data))) == data


def test_what_is_there_is_asked_for_and_not_sent(ours, web, tmp_path):
    """Another sender of the same result reads the record, asks for the objects, and puts nothing."""
    record = put(ours, FILES)
    ours.remote.send([record.key])
    web.asked.clear()
    again = cache_at(tmp_path / "again", web.url)
    put(again, FILES)
    again.remote.send([record.key])
    assert sorted(method for method, _ in web.asked) == ["GET", "HEAD", "HEAD", "HEAD"]


def test_a_body_that_ends_early_is_not_taken(ours, theirs, web, capsys):
    """A connection that is cut in the middle of a body gives nothing, and is told."""
    record = put(ours, FILES)
    ours.remote.send([record.key])
    web.short = 7
    assert theirs.remote.fetch([record.key]) == set()
    assert contents(theirs.objects.root) == {}
    web.short = 0
    assert cache_at(theirs.objects.root.parent, web.url).remote.fetch([record.key]) == {record.key}


def test_a_server_that_fails_is_left_alone(theirs, web, capsys):
    """After eight failures in a row nothing more is asked; one warning says why."""
    web.status = 500
    keys = [digest_bytes(bytes([number])) for number in range(100)]
    assert theirs.remote.fetch(keys) == set()
    assert not theirs.remote.reads
    web.asked.clear()
    assert theirs.remote.fetch(keys) == set()
    assert web.asked == []
    theirs.remote.drain()
    (line,) = capsys.readouterr().err.splitlines()
    assert "HTTP status 500" in line
    assert "the run went on without it" in line


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_refused_upload_is_an_error_without_secrets(ours, web, status, capsys):
    """What a server says is not passed on: it may hold a signed URL or a credential."""
    web.status, web.words = status, b"<Error>AWSAccessKeyId=AKIA123 Signature=s3cr3t</Error>"
    record = put(ours, FILES)
    with pytest.raises(RemoteError) as caught:
        ours.remote.send([record.key])
    told = str(caught.value) + capsys.readouterr().err
    assert str(status) in told or "permission" in told
    assert not any(secret in told for secret in ("AKIA123", "s3cr3t", KEY))


def test_a_page_for_whatever_is_asked_takes_nothing(ours, web):
    """Where each request is answered with the same page and 200, a push does not believe that anything was sent."""
    web.status, web.words = 200, b"<html>Please log in</html>"
    record = put(ours, FILES)
    ((key, fault),) = ours.remote.send_each([record.key])
    assert key == record.key
    assert "what it gives is not what it was sent" in fault.fact
    assert "log in" in fault.hint
    assert ours.remote.counts.sent_records == 0


def test_what_was_no_record_is_one_once_it_is_sent(ours, theirs, web):
    """A record that was spoilt in the remote is sent anew, and that is seen to be so."""
    record = put(ours, FILES)
    ours.remote.send([record.key])
    (path,) = (path for path in web.held if "/actions/" in path)
    sound, web.held[path] = web.held[path], b"{}"
    ours.remote.send([record.key])
    assert web.held[path] == sound
    assert theirs.remote.fetch([record.key]) == {record.key}


@pytest.mark.parametrize(
    ("status", "words", "cause", "cure"),
    [
        (403, b"<Code>RequestTimeTooSkewed</Code>", "its clock and that of this machine differ", "set the clock"),
        (400, b"<Code>ExpiredToken</Code>", "the credentials have expired", "credentials in the environment"),
        (403, b"<Code>SignatureDoesNotMatch</Code> AKIA123", "it denies the permission", "credentials in the environment"),
        (401, b"", "it wants other credentials", "credentials in the environment"),
        (302, b"", "it sends elsewhere", "look at the address"),
        (507, b"", "it answers with HTTP status 507", "look at the remote"),
    ],
)
def test_causes_and_cures(ours, web, status, words, cause, cure):
    """What a server says is told in words of ours, with what helps."""
    web.status, web.words = status, words
    with pytest.raises(RemoteError) as caught:
        ours.remote.send([put(ours, {"": b"x"}).key])
    assert caught.value.fact.endswith(f": {cause}")
    assert cure in caught.value.hint
    assert "AKIA" not in str(caught.value)


def test_where_there_are_no_credentials(monkeypatch, tmp_path):
    """A bucket without any is not said to be out of reach because the cloud's own source of them is."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    cache = cache_at(tmp_path / "ours", "s3://bucket/x", patience=0.3)
    with pytest.raises(RemoteError, match="there are no credentials for it"):
        cache.remote.send([put(cache, {"": b"x"}).key])


def test_where_nothing_can_be_listed_there_are_no_kin(ours, theirs, web):
    """A server without listings is asked once for the kin of a target, and is not taken for dead."""
    pieces = {"pieces": {"code": ["a", "b"]}}
    record = put(ours, FILES, **pieces)
    ours.remote.send([record.key])
    theirs.remote.fetch_kin(record.manifest)
    asked = len(web.asked)
    theirs.remote.fetch_kin(record.manifest)
    assert len(web.asked) == asked
    assert theirs.remote.fetch([record.key]) == {record.key}


def test_late_look_ups_end_where_they_cost_more_than_they_save(theirs, ours, web):
    """Targets are asked for one by one until that has cost the patience; a result that took long to build pays for more."""
    keys = [digest_bytes(bytes([number])) for number in range(50)]
    theirs.remote._late = 0.0
    assert not theirs.remote.fetch_late(keys[0])
    web.asked.clear()
    assert not theirs.remote.fetch_late(keys[1])
    assert web.asked == []
    record = put(ours, {"": b"x"}, seconds=1000.0)
    ours.remote.send([record.key])
    theirs.remote._late = 0.0
    assert theirs.remote.fetch_late(record.key)
    assert theirs.remote._late > 900
    assert theirs.remote.fetch(keys) == set()
    assert theirs.remote.reads
