"""What `--workers` asks for, as long as it is not yet known what there is to do."""

from barmill.config import Settings
from barmill.errors import ConfigError

NO_REMOTE = (
    "--workers names a cluster, and the project has no remote, by which inputs and results travel",
    "set `remote` in [tool.barmill] or BARMILL_REMOTE: a bucket, an address, or a folder that all machines see",
)


class Workers:
    """Who builds in this run.

    Attributes:
        address: what `--workers` says; "" for processes of our own.
        settings: of the project, once it is loaded.
    """

    def __init__(self) -> None:
        self.address = ""
        self.settings = Settings()

    def check(self, settings: Settings) -> None:
        """See that the project can be built so.

        Raises:
            ConfigError: a cluster is asked for, and there is no remote.
        """
        self.settings = settings
        if "://" in self.address and (not settings.remote or settings.remote_mode == "offline"):
            raise ConfigError(*NO_REMOTE)


WORKERS = Workers()
