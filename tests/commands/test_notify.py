"""`doit notify`, with a webhook and a mail server that are there."""

import pytest

from tests.support.market import NASDAQ, MarketProject
from tests.support.receivers import mailbox, webhook

SECRET = "hunter2secret"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A built project of one symbol that is long out of date."""
    project = MarketProject.make(tmp_path_factory.mktemp("notify") / "prices")
    project.raw(NASDAQ, "AAPL.US")
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    project.good()
    return project


def test_a_failure_is_told_to_a_webhook(project):
    """A command that fails is passed on, output and exit code, and told with its last lines; one that succeeds is not."""
    with webhook() as (place, received):
        address = f"json://user:{SECRET}@{place}/hook"
        result = project.doit("notify", "health", "-v", BARMILL_NOTIFY=address)
        assert result.code == 1
        assert "STALE AAPL.US" in result.out
        assert SECRET not in result.out + result.err
        (notice,) = received
        assert notice["title"].startswith("barmill, prices: doit health -v failed with exit code 1 after ")
        assert (notice["type"], "STALE AAPL.US" in notice["message"]) == ("failure", True)
        assert project.good("notify", "datasets", BARMILL_NOTIFY=address).out.startswith("AAPL.US ")
        assert len(received) == 1


def test_a_build_is_told_by_mail(project):
    """With --always a finished build is told, too; options behind the command are the command's."""
    with mailbox() as (place, received):
        result = project.good(
            "notify", "--always", "run", "-v", "0", BARMILL_NOTIFY=f"mailto://{place}?from=a@b.example&to=c@d.example"
        )
        (mail,) = received
        assert mail["Subject"].startswith("barmill, prices: doit run -v 0 succeeded after ")
        assert mail["To"] == "c@d.example"
        assert result.out.splitlines()[-1] in mail.get_body(("plain", "html")).get_content()


def test_a_message_of_ones_own(project):
    """A message is sent as it is to every address, with its kind."""
    with webhook() as (one, first), webhook() as (two, second):
        project.good("notify", "-m", "disk is full", "--kind", "warning", BARMILL_NOTIFY=f"json://{one} json://{two}")
        for received in (first, second):
            (notice,) = received
            assert (notice["title"], notice["message"], notice["type"]) == (
                "barmill, prices: disk is full",
                "disk is full",
                "warning",
            )


def test_what_can_not_be_sent_is_told_without_its_secret(project):
    """An address that refuses, or is none, is named by number and kind; the others get their notice, and the code is not 0."""
    with webhook(500) as (bad, _), webhook() as (good, received):
        addresses = f"json://user:{SECRET}@{bad} json://{good} nonsense://{SECRET}"
        told = project.bad("notify", "-m", "hello", BARMILL_NOTIFY=addresses, code=2)
        assert "address 1 (json) of `notify` could not be reached" in told
        assert len(received) == 1
        told += project.bad("notify", "--always", "datasets", BARMILL_NOTIFY=f"json://{SECRET}@{bad}", code=2)
        told += project.bad("notify", "-m", "hello", BARMILL_NOTIFY=f"nonsense://{SECRET}", code=3)
        assert "address 1 (nonsense) of `notify` is none that Apprise knows" in told
        told += project.bad("notify", "-m", "hello", BARMILL_NOTIFY=SECRET, code=3)
        assert SECRET not in told
    result = project.doit("notify", "health", BARMILL_NOTIFY=f"json://{SECRET}@{bad}")
    assert result.code == 1  # the command's, though nobody could be told
    assert "could not be reached" in result.err
    assert SECRET not in result.out + result.err


def test_nobody_to_notify(project):
    """Without an address a command runs all the same, with a warning; a message has nowhere to go."""
    result = project.good("notify", "datasets")
    assert "warning: nobody is notified" in result.err
    assert "there is nobody to notify" in project.bad("notify", "-m", "x", code=3)
    assert "one of them" in project.bad("notify", code=3)


def test_nobody_listens(project, tmp_path):
    """Where what the command prints can't be passed on any more, it goes on to its end nevertheless, and is told of."""
    loud = "def loud():\n    sys.__stderr__.write('x\\n' * 100_000)\n    return False\n"
    (tmp_path / "dodo.py").write_text(
        f"import sys\nfrom barmill.run.tasks import load\n\nPLAN, DOIT_CONFIG = load(__file__)\n\n{loud}\n"
        "def task_loud():\n    return {'actions': [loud], 'verbosity': 2}\n"
    )
    (tmp_path / "pyproject.toml").write_text("[tool.barmill]\n")
    with webhook() as (address, received):
        run = MarketProject(tmp_path).start("notify", "run", BARMILL_NOTIFY=f"json://{address}/hook")
        run.stderr.close()
        run.stdout.close()
        assert run.wait(60) == 1
        assert len(received) == 1
