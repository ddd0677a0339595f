"""./dev chaos: random writes while the daemon is killed, connections are cut and servers restarted; the sinks must hold the truth.

Prints a line per seed; at a failure the seed, what happened to it, and how to repeat it.
"""

import argparse
import concurrent.futures
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from chaos.scenario import Options, Scenario, Tally  # noqa: E402
from chaos.services import Services  # noqa: E402
from chaos.sinks import SINKS  # noqa: E402
from support import testing  # noqa: E402


SEEDS_PER_SERVER = 100  # topics and old log pile up


def play_one(seed, services, options, total, failures, say):
    started = time.monotonic()
    try:
        scenario = Scenario(seed, services, options)
        tally = scenario.run()
        total.add(tally)
        say(f"seed {seed}: {time.monotonic() - started:.1f} s, {tally}" + ("\n" + "\n".join(scenario.notes) if options.verbose else ""))
    except AssertionError as error:
        failures.append((seed, str(error)))
        say(f"seed {seed}: FAILED\n{error}\nrepeat: ./dev chaos --seeds 1 --seed {seed} {arguments_of(options)}")


def play(seeds, options, say=print):
    """Tally of all seeds and the failures as (seed, text)."""
    total, failures = Tally(), []
    for start in range(0, len(seeds), SEEDS_PER_SERVER):
        with Services(with_kafka=bool({"kafka", "debezium"} & set(options.sinks))) as services:
            for seed in seeds[start:start + SEEDS_PER_SERVER]:
                play_one(seed, services, options, total, failures, say)
    return total, failures


def say_now(text):
    print(text, flush=True)


def play_parallel(seeds, options, jobs):
    total, failures = Tally(), []
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        for tally, failed in pool.map(play, [seeds[job::jobs] for job in range(jobs)], [options] * jobs, [say_now] * jobs):
            total.add(tally)
            failures.extend(failed)
    return total, sorted(failures)


def arguments_of(options):
    default = Options()
    given = [f"--sink {sink}" for sink in options.sinks] if options.sinks != default.sinks else []
    given += [f"--{name} {getattr(options, name)}" for name in ("snapshot", "transactions", "writers", "pause") if getattr(options, name) != getattr(default, name)]
    return " ".join(given)


def main():
    default = Options()
    parser = argparse.ArgumentParser(prog="dev chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="how many (10)")
    parser.add_argument("--seed", type=int, help="the first; the others follow it (random)")
    parser.add_argument("--sink", action="append", choices=sorted(SINKS), help=f"may be given several times ({', '.join(default.sinks)})")
    parser.add_argument("--snapshot", choices=("never", "initial"), default=default.snapshot)
    parser.add_argument("--transactions", type=int, default=default.transactions, help=f"of each writer ({default.transactions})")
    parser.add_argument("--writers", type=int, default=default.writers)
    parser.add_argument("--pause", type=float, default=default.pause, help="seconds between two transactions of a writer, on average")
    parser.add_argument("--jobs", type=int, default=1, help="servers and seeds at the same time (1)")
    parser.add_argument("--verbose", action="store_true", help="what befell each seed, and when")
    given = parser.parse_args()
    options = Options(tuple(given.sink or default.sinks), given.snapshot, given.transactions, given.writers, given.pause, given.verbose)
    first = testing.seed() if given.seed is None else given.seed
    started = time.monotonic()
    total, failures = play_parallel(range(first, first + given.seeds), options, given.jobs)
    print(f"{given.seeds} seeds from {first} in {time.monotonic() - started:.0f} s: {total}")
    if failures:
        print(f"FAILED: {len(failures)} seeds: {' '.join(str(seed) for seed, _ in failures)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
