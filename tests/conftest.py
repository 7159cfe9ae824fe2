"""Options of the whole suite, which keeps off the user's cache of compiled programs and counts its own."""

import os

os.environ["TAPEJIT_DISK_CACHE"] = "0"


def pytest_addoption(parser):
    parser.addoption("--bless", action="store_true", help="rewrite the expected output of file tests")
