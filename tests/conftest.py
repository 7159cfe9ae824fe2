"""Options of the whole suite."""


def pytest_addoption(parser):
    parser.addoption("--bless", action="store_true", help="rewrite the expected output of file tests")
