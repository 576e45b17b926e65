"""Figures in the form of ApacheBench's and h2load's output, since people compare with those.

Each cell's are those of its median trial; every latency counts from the intended send time.
"""

from __future__ import annotations

from collections.abc import Callable

from diag.comparison import Comparison, MedianTrial
from diag.reports.text import clean

_AB_PERCENTS = (50.0, 66.0, 75.0, 80.0, 90.0, 95.0, 98.0, 99.0, 100.0)
_MS = 1e6


def as_ab(comparison: Comparison) -> str:
    """Every cell as `ab` would print it."""
    return _every(comparison, _ab)


def as_h2load(comparison: Comparison) -> str:
    """Every cell as `h2load` would print it."""
    return _every(comparison, _h2load)


def _every(comparison: Comparison, form: Callable[[MedianTrial], str]) -> str:
    blocks = []
    for contest in comparison.contests:
        for cell in contest.cells:
            head = clean(f"# {contest.title}: {cell.label} ({contest.common})")
            if cell.median_trial is None:
                blocks.append(f"{head}\n# no figures: {clean(cell.unranked)}\n")
            else:
                blocks.append(
                    f"{head}\n# trial {cell.median_trial.trial}, the median of {cell.trials}\n"
                    + form(cell.median_trial)
                )
    return "\n".join(blocks)


def _ab(trial: MedianTrial) -> str:
    seconds = trial.wall_ns / 1e9
    done = trial.answered + trial.failed
    rate = done / seconds if seconds else 0.0
    known = dict(trial.percentiles)
    lines = [
        f"Time taken for tests:   {seconds:.3f} seconds",
        f"Complete requests:      {done}",
        f"Failed requests:        {trial.failed}",
        f"HTML transferred:       {trial.body_bytes} bytes",
        f"Requests per second:    {rate:.2f} [#/sec] (mean)",
        f"Time per request:       {trial.mean_ns / _MS:.3f} [ms] (mean)",
    ]
    if known:
        lines += ["", "Percentage of the requests served within a certain time (ms)"]
        lines += [_ab_row(percent, known[percent]) for percent in _AB_PERCENTS if percent in known]
    return "\n".join(lines) + "\n"


def _ab_row(percent: float, ns: int) -> str:
    longest = " (longest request)" if percent == 100 else ""
    return f"{percent:>5g}% {ns / _MS:>8.1f}{longest}"


def _h2load(trial: MedianTrial) -> str:
    seconds = trial.wall_ns / 1e9
    done = trial.answered + trial.failed
    rate = done / seconds if seconds else 0.0
    share = 100 * trial.within_sd / done if done else 0.0
    kilobytes = trial.body_bytes / 1024 / seconds if seconds else 0.0
    outcomes = f"{trial.answered} succeeded, {trial.failed} failed, {trial.timeouts} timeout"
    times = (trial.min_ns, trial.max_ns, trial.mean_ns, trial.sd_ns)
    return "\n".join(
        (
            f"finished in {seconds:.2f}s, {rate:.2f} req/s, {kilobytes:.2f}KB/s",
            f"requests: {done} total, {done} started, {done - trial.timeouts} done, {outcomes}",
            f"{'':17}{'min':>11}{'max':>12}{'mean':>12}{'sd':>12}{'+/- sd':>12}",
            f"time for request:{''.join(f'{_short(ns):>12}' for ns in times)[1:]}{share:>11.2f}%",
            "",
        )
    )


def _short(ns: int) -> str:
    """A duration as h2load writes it: ``12.56ms``; what the generator did not tell is a hyphen."""
    if ns == 0:
        return "-"
    for unit, size in (("s", 1e9), ("ms", 1e6)):
        if ns >= size:
            return f"{ns / size:.2f}{unit}"
    return f"{round(ns / 1e3)}us"
