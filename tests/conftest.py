"""What all tests share."""

import signal


def pytest_configure() -> None:
    """Let SIGINT interrupt the tests' processes, also where the shell that started pytest in the background has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
