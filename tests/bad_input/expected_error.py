"""What a user has to be told: the kind of error, what is wrong, and the line of theirs that is."""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def error_at_line(kind: type[Exception], *words: str) -> Iterator[None]:
    """The block raises `kind`; the message has the `words` and the innermost line of a test it passed."""
    with pytest.raises(kind) as caught:
        yield
    frames = traceback.extract_tb(caught.value.__traceback__)
    line = [frame for frame in frames if Path(frame.filename).name.startswith("test_")][-1]
    message = str(caught.value)
    for word in (*words, f"{Path(line.filename).name}:{line.lineno}"):
        assert word in message


@contextmanager
def error_naming(kind: type[Exception], function, *words: str) -> Iterator[None]:
    """The block raises `kind`; the message has the `words` and the line where `function` is defined."""
    with pytest.raises(kind) as caught:
        yield
    code = function.__code__
    message = str(caught.value)
    for word in (*words, f"{function.__name__} ({Path(code.co_filename).name}:{code.co_firstlineno})"):
        assert re.search(re.escape(word), message), message
