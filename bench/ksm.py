# SPDX-License-Identifier: GPL-2.0-or-later
"""The measuring half of bench/ksm; runs inside ksm_keeper.py."""
import os
import pathlib
import signal
import sys
import time
from typing import NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "live"))

import ksm_contenders  # noqa: E402
import ksm_scenarios  # noqa: E402
import ksm_table  # noqa: E402

BUSY_CPUS_MAX = 16  # a busy guest for each CPU: on larger hosts that is another bench


def say(text):
    print(f"bench-ksm: {text}", file=sys.stderr, flush=True)


def chosen(variable, names):
    """In our order; an unknown name is a mistake, not a silent nothing."""
    wanted = os.environ.get(variable, "").replace(",", " ").split()
    unknown = set(wanted) - set(names)
    if unknown:
        sys.exit(f"bench-ksm: {variable}: no {', '.join(sorted(unknown))}; there is {', '.join(names)}")
    return [name for name in names if not wanted or name in wanted]


class Options(NamedTuple):
    rounds: int
    window_s: int
    pairs_s: int
    only: list
    scenarios: list

    @classmethod
    def from_environment(cls):
        return cls(int(os.environ.get("ROUNDS", 3)), int(os.environ.get("WINDOW", 60)),
                   int(os.environ.get("PAIRS", 110)),
                   chosen("ONLY", [contender.name for contender in ksm_contenders.ALL]),
                   chosen("SCENARIOS", list(ksm_scenarios.SCENARIOS)))

    def seconds(self, scenario):
        return self.pairs_s if scenario in ("staggered", "late") else self.window_s

    def command(self):
        words = [f"ROUNDS={self.rounds}", f"WINDOW={self.window_s}", f"PAIRS={self.pairs_s}"]
        for variable in ("ONLY", "SCENARIOS", "KVMTUNED_CONF"):
            if os.environ.get(variable):
                words.append(f"{variable}={os.environ[variable]}")
        return "make bench-ksm " + " ".join(words)


def present(only):
    """Contenders that can be had here; the others are named with the reason."""
    found = []
    for contender in ksm_contenders.ALL:
        if contender.name not in only:
            continue
        why = contender().missing()
        if why:
            say(f"{contender.name} is left out: {why}")
        else:
            found.append(contender)
    return found


def possible(scenario):
    cpus = os.cpu_count()
    if scenario == "one-idle" and cpus < 2 or scenario.endswith("-idle") and cpus > BUSY_CPUS_MAX:
        say(f"{scenario} is left out: not with {cpus} CPUs")
        return False
    return True


def plan(options, contenders):
    """Contenders by turns: whatever else the machine does meets all of them."""
    scenarios = [scenario for scenario in options.scenarios if possible(scenario)]
    return [(number, contender, scenario) for number in range(1, options.rounds + 1)
            for scenario in scenarios for contender in contenders
            if scenario in contender.scenarios]


def run_one(contender, scenario, window_s):
    """None: this run is void.  Whatever went wrong, an hour of others is not lost."""
    try:
        return ksm_scenarios.run(scenario, contender(), window_s)
    except Exception as error:  # pylint: disable=broad-except
        say(f"{contender.name}, {scenario}: void: {type(error).__name__}: {error}")
        return None


def brief(numbers):
    return ", ".join(f"{metric} {'never' if value is None else format(value, '.3g')}"
                     for metric, value in numbers.items())


def measure(options, contenders, results):
    steps = plan(options, contenders)
    began = time.monotonic()
    for at, (number, contender, scenario) in enumerate(steps, 1):
        numbers = run_one(contender, scenario, options.seconds(scenario))
        results.add(contender.name, scenario, numbers)
        minutes = (time.monotonic() - began) / 60
        say(f"{at}/{len(steps)}, {minutes:.1f} of about {minutes / at * len(steps):.0f} min: "
            f"round {number}, {scenario}, {contender.name}: {brief(numbers or {})}")


def thp_mode():
    file = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return file.read_text().split("[")[1].split("]")[0] if file.exists() else "none"


def head(options, load):
    yield (f"{ksm_scenarios.TOGETHER} paused guests of {ksm_scenarios.GUEST_MIB} MiB together, else {ksm_scenarios.GUESTS}, "
           f"{options.rounds} rounds of {options.window_s} s ({options.pairs_s} s where they come or "
           "change one by one): median (lowest..highest)")
    yield (f"Linux {os.uname().release}, {os.cpu_count()} CPUs, load average {load[0]:.2f} before, "
           f"THP {thp_mode()}")
    yield f"again: {options.command()}"


def end(_number, _frame):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what follows cleans up
    sys.exit(143)


def main():
    signal.signal(signal.SIGTERM, end)
    options, load, results = Options.from_environment(), os.getloadavg(), ksm_table.Results()
    contenders = present(options.only)
    names = [contender.name for contender in contenders]
    try:
        measure(options, contenders, results)
    finally:  # stopped half-way: what there is
        for line in head(options, load):
            print(line)
        for contender in contenders:
            print(f"  {contender.name}: {contender().what}")
        for line in ksm_table.tables(results, names):
            print(line)
        for line in ksm_table.verdicts(results, names, options.window_s):
            print(line)


main()
