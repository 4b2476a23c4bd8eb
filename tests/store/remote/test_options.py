"""What a project may say of its remote."""

import importlib.util
from pathlib import Path

import pytest

from barmill.config import Settings, load_settings
from barmill.errors import ConfigError
from barmill.store.remote.options import checked, remote_options


def test_without_a_remote_there_are_no_options():
    """No remote, or one that is to be left alone, is none."""
    assert remote_options(Settings()) is None
    assert remote_options(Settings(remote="s3://bucket", remote_mode="offline")) is None


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("s3://bucket/a/b/", "s3://bucket/a/b"),
        ("gs://bucket", "gs://bucket"),
        ("az://container/x", "az://container/x"),
        ("https://host:8443/x/", "https://host:8443/x"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("file:///a/b/../c", "file:///a/c"),
        ("/a/b", "file:///a/b"),
        ("~/b", f"file://{Path.home()}/b"),
        ("some/folder", f"file://{Path.cwd()}/some/folder"),
    ],
)
def test_places(remote, url):
    """A URL of a known kind is taken without its last slash; a path is a folder."""
    assert checked(remote) == url


@pytest.mark.parametrize(
    "remote",
    [
        "https://me:secret@host/x",
        "https://secret@host/x",
        "s3://secret@bucket/x",
        "https://host/x?sig=secret",
        "https://host/x#secret",
        "https://a:secret@b@host/x",
    ],
)
def test_no_secret_is_in_a_url(remote):
    """A URL with a user, a password, a query or a fragment is refused, and none of them is shown."""
    with pytest.raises(ConfigError) as caught:
        checked(remote)
    assert "secret" not in str(caught.value).replace("may be secret", "")
    assert "environment" in str(caught.value)


@pytest.mark.parametrize(
    "remote",
    [
        "ftp://host/x",
        "s3://",
        "https:///x",
        "file://host/x",
        "file://",
        "http://host:99999/x",
        "http://[::1/x",
        "s3://b//x",
        "s3://b/a//x",
        "http://h/../x",
        "http://h/a/./x",
    ],
)
def test_what_is_no_place(remote):
    """A URL of another kind, or without a host or a bucket, is refused."""
    with pytest.raises(ConfigError, match="remote is"):
        checked(remote)


def test_the_key_is_a_secret(tmp_path):
    """The key comes from the environment, and no repr shows it."""
    environ = {"BARMILL_REMOTE": str(tmp_path), "BARMILL_REMOTE_KEY": "sesame", "BARMILL_REMOTE_PATIENCE": "0"}
    settings = load_settings(tmp_path, environ)
    options = remote_options(settings)
    assert options.key == "sesame"
    assert options.patience > 0
    assert "sesame" not in repr(settings) + repr(options)


@pytest.mark.parametrize(("key", "value"), [("mode", "readwrite"), ("patience", "-1"), ("patience", "soon")])
def test_settings_that_do_not_fit(tmp_path, key, value):
    """A mode that there is not, and a patience that is no number of seconds, are errors."""
    with pytest.raises(ConfigError, match=f"REMOTE_{key.upper()}"):
        load_settings(tmp_path, {f"BARMILL_REMOTE_{key.upper()}": value})


def test_obstore_is_asked_for_where_it_is_missing(monkeypatch):
    """Without obstore a project with a remote says what to install; a folder needs none."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"barmill\[remote\]"):
        remote_options(Settings(remote="s3://bucket"))
    assert remote_options(Settings(remote="/some/folder")).url == "file:///some/folder"
