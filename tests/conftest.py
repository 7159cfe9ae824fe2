"""Options of the whole suite, which keeps off the user's cache of compiled programs and counts its own."""

import os
import signal

os.environ["TAPEJIT_DISK_CACHE"] = "0"


def pytest_addoption(parser):
    parser.addoption("--bless", action="store_true", help="rewrite the expected output of file tests")


def pytest_configure():
    """A background job inherits that Ctrl-C is ignored, and hands it on; tests interrupt themselves."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
