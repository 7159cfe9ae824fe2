"""Ctrl-C while something is compiled: the compiler is not stopped halfway, and nothing is left behind."""

import _thread
import threading

import pytest

import tapejit as tj
from tapejit import recording
from tapejit.runtime.cache import ProgramCache
from tapejit.runtime.interrupt import shielded


class Interrupted:
    """Work during which the main thread is interrupted, and which then takes until `go`."""

    def __init__(self, result):
        self.go, self.done, self.result, self.calls = threading.Event(), threading.Event(), result, 0

    def __call__(self):
        self.calls += 1
        _thread.interrupt_main()
        assert self.go.wait(60)
        self.done.set()
        return self.result


def test_the_work_goes_on():
    work = Interrupted(1)
    with pytest.raises(KeyboardInterrupt):
        shielded(work)
    work.go.set()
    assert work.done.wait(60)


def test_results_and_errors_come_back():
    assert shielded(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        shielded(lambda: 1 // 0)


def test_a_program_is_there_when_it_is_asked_for_again():
    class Program:
        head = ()

    from tapejit.runtime.family import Built

    cache, work = ProgramCache(), Interrupted(Built(Program(), True))
    with pytest.raises(KeyboardInterrupt):
        cache.get_or_build("key", work)
    work.go.set()
    assert cache.get_or_build("key", work).program is work.result.program
    assert work.calls == 1


def test_an_interrupt_while_a_record_begins(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(recording, "Recording", interrupted)
    with pytest.raises(KeyboardInterrupt), tj.record():
        pass
    assert not tj.is_recording()
    assert not tj.is_training()
