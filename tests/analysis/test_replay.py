"""The prediction: recorded arrivals again, with the blocking step somewhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diag.analysis.replay import Arrival, Change, Scene, Work, predict
from diag.remedy import Move

MS = 1_000_000


def scene(work: Work, *, hold_ms: int = 50, every_ms: int = 100, cores: int = 2) -> Scene:
    """Two seconds: the culprit's requests now and then, an innocent one every 10 ms, which takes 1 ms alone."""
    own = [Arrival(at_ns=at * MS, culprit=True) for at in range(0, 2_000, every_ms)]
    innocent = [Arrival(at_ns=at * MS + 1, culprit=False) for at in range(0, 2_000, 10)]
    return Scene(
        arrivals=tuple(sorted((*own, *innocent), key=lambda one: one.at_ns)),
        holds_ns=(hold_ms * MS,),
        rest_ns=0,
        alone_ns=(MS,),
        work=work,
        cores=cores,
    )


def predicted_ms(scene_: Scene, **change: object) -> float:
    return predict(scene_, Change(**change)) / MS  # type: ignore[arg-type]


def test_a_step_that_stays_whole_holds_everybody_up() -> None:
    """Who comes right behind it waits for all of it."""
    assert predicted_ms(scene(Work.WAIT), move=Move.SPLIT, whole=True) == pytest.approx(51, abs=0.1)


def test_a_step_that_is_awaited_holds_nobody_up() -> None:
    assert predicted_ms(scene(Work.WAIT), move=Move.AWAIT) == 1


@pytest.mark.parametrize("pool", [1, 6])
def test_waiting_in_a_thread_holds_nobody_up_however_few_threads_there_are(pool: int) -> None:
    """It is the culprit's own requests that wait for a thread."""
    assert predicted_ms(scene(Work.WAIT), move=Move.THREAD, pool=pool) == 1


def test_computing_with_the_gil_in_a_thread_costs_switch_intervals() -> None:
    """One thread that computes: 5 ms for each of three acquisitions; several are worse."""
    one = predicted_ms(scene(Work.GIL), move=Move.THREAD, pool=1)
    assert one == pytest.approx(16, abs=0.1)
    crowded = predicted_ms(scene(Work.GIL, every_ms=40), move=Move.THREAD, pool=6)
    assert crowded > 1.5 * one


def test_computing_in_processes_costs_turns_on_the_cores_alone() -> None:
    """Less than the GIL does, and nothing at all where there are cores enough."""
    few = predicted_ms(scene(Work.GIL), move=Move.PROCESS, pool=2)
    assert 1 < few < predicted_ms(scene(Work.GIL), move=Move.THREAD, pool=6)
    assert predicted_ms(scene(Work.GIL, cores=4_000), move=Move.PROCESS, pool=2) < few


def test_a_loaded_machine_stretches_the_turns() -> None:
    busy = replace(scene(Work.GIL), stretch=3.0)
    assert predicted_ms(busy, move=Move.THREAD, pool=1) == pytest.approx(46, abs=0.1)


def test_workers_are_held_until_one_is_free() -> None:
    """One worker is held as a loop would be; with four threads somebody always has time."""
    held = predicted_ms(scene(Work.WAIT), move=Move.SERVER, workers=1, threads=1)
    free = predicted_ms(scene(Work.WAIT), move=Move.SERVER, workers=1, threads=4)
    assert held > 40
    assert free == 1


def test_threads_of_one_worker_share_its_gil_and_processes_do_not() -> None:
    threads = predicted_ms(scene(Work.GIL), move=Move.SERVER, workers=1, threads=4)
    processes = predicted_ms(scene(Work.GIL), move=Move.SERVER, workers=4, threads=1)
    assert processes < threads


def test_where_none_is_innocent_the_culprits_own_requests_count() -> None:
    """They take the step and what a request takes alone."""
    own = tuple(one for one in scene(Work.WAIT).arrivals if one.culprit)
    assert predicted_ms(replace(scene(Work.WAIT), arrivals=own), move=Move.AWAIT) == pytest.approx(
        51, abs=0.1
    )
    assert predicted_ms(replace(scene(Work.WAIT), arrivals=own), move=Move.CHEAPER) == 1


def test_a_pool_that_is_too_small_makes_its_own_requests_wait() -> None:
    """Steps of 250 ms every 100 ms: two processes cannot keep up."""
    crowd = scene(Work.WAIT, hold_ms=250)
    own = replace(crowd, arrivals=tuple(one for one in crowd.arrivals if one.culprit))
    assert predicted_ms(own, move=Move.THREAD, pool=2) > 450
    assert predicted_ms(own, move=Move.THREAD, pool=6) == pytest.approx(251, abs=0.1)


def test_nothing_is_predicted_from_nothing() -> None:
    assert predict(replace(scene(Work.WAIT), holds_ns=()), Change(move=Move.AWAIT)) == 0
    assert predict(replace(scene(Work.WAIT), alone_ns=()), Change(move=Move.AWAIT)) == 0


def test_the_same_seed_predicts_the_same() -> None:
    busy = scene(Work.GIL, every_ms=50)
    change = Change(move=Move.THREAD, pool=4)
    assert predict(busy, change, seed=3) == predict(busy, change, seed=3)
