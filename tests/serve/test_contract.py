"""Whatever is asked, the service answers as its OpenAPI description says."""

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from barmill.serve.app import create_app
from tests.support.market import FIRST_STAGES, NASDAQ, MarketProject


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory):
    """The description of a built project's service."""
    root: Path = tmp_path_factory.mktemp("contract") / "p"
    project = MarketProject.make(root, [*FIRST_STAGES, "chunks"])
    project.raw(NASDAQ, "AAPL.US")
    project.listed("broker.csv", [("AAPL", "", "NASDAQ", "Apple", "USD")])
    project.good()
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(root, ("*",)))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", ["/datasets", "/health", "/history", "/bars", "/updates"])
def test_answers_are_as_described(api, path):
    """No request makes the service fail, or answer in a form that it does not describe."""
    operation = next(iter(api[path].values()))

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate()

    ask()
