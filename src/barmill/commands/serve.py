"""`doit serve`: the project over HTTP, on this machine unless told otherwise."""

from pathlib import Path

from barmill.commands.base import Command
from barmill.config import load_settings
from barmill.errors import ConfigError
from barmill.run.commands.select import no_arguments
from barmill.run.plain import option


class Serve(Command):
    """Serves what is built, and runs updates for whoever has the token, until it is interrupted."""

    name = "serve"
    doc_purpose = "serve datasets, health, history and bars over HTTP; trigger updates"
    doc_description = (
        "Needs barmill[serve]. GET /datasets, /health, /history, /bars; POST /updates with the token of BARMILL_TOKEN, without "
        "which there are no updates; /docs and /openapi.json describe them."
    )
    cmd_options = (
        option("host", "address to listen at", default="127.0.0.1"),
        option("port", "port to listen at; 0 takes a free one", default=8321),
        option("remote", "listen at an address that other machines can reach", default=False),
    )

    def _execute(self, host: str, port: int, remote: bool, pos_args: list[str]) -> int:
        no_arguments("serve", pos_args)
        load_settings(Path())  # a wrong one is told before anything listens
        try:
            import uvicorn

            from barmill.serve.app import LOOPBACK, create_app
        except ImportError as error:
            raise ConfigError(f"doit serve needs {error.name}", "pip install 'barmill[serve]'") from None
        if host not in LOOPBACK and not remote:
            raise ConfigError(f"--host {host}: others may reach this address, and read all bars", "say --remote if they shall")
        hosts = ("*",) if remote else LOOPBACK
        uvicorn.run(create_app(Path.cwd(), hosts), host=host, port=port, log_level="info")
        return 0
