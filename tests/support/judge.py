"""`scripts/truth`: random states, each judged by the real client; a difference is printed with how to see it again."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections import Counter

from support.claude_client import find_program
from support.truth import Chooser, Judge, State, reduced


def main() -> int:
    """Judge as many states as asked for; 1 where there was a difference."""
    parser = argparse.ArgumentParser(prog="scripts/truth")
    parser.add_argument("number", nargs="?", type=int)
    parser.add_argument("--seed")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--state", help="one state, as it was printed")
    parser.add_argument("--client", default=find_program())
    parser.add_argument("--whole", action="store_true", help="do not reduce")
    asked = parser.parse_args()
    if asked.client is None:
        sys.exit("There is no client: run scripts/claude-code.")
    judge = Judge(asked.client, asked.run)
    if asked.state:
        return shown(judge, json.loads(asked.state), "", whole=True)
    first = asked.seed or f"{secrets.token_hex(3)}-0"
    stem, _, start = first.rpartition("-")
    number = asked.number or (1 if asked.seed else 100)
    seeds = [f"{stem}-{int(start) + each}" for each in range(number)]
    began, wrong = time.monotonic(), 0
    kinds: Counter[str] = Counter()
    for done, seed in enumerate(seeds):
        if done and done % 100 == 0:
            print(f"{done} states in {round(time.monotonic() - began)} s: {wrong} at fault", flush=True)
        state = Chooser(seed).state()
        try:
            faults = judge.faults(state)
        except Exception as error:
            print(f"{seed}: not judged: {error!r}", flush=True)
            kinds["not judged"] += 1
            continue
        if faults:
            wrong += 1
            kinds.update(fault.kind for fault in faults)
            tell(judge, seed, state, asked.whole, asked.run)
    seconds = round(time.monotonic() - began)
    print(f"{len(seeds)} states in {seconds} s: {wrong} at fault {dict(kinds)}, {judge.left_out} left out")
    print(f"of those looked at: {dict(judge.counts)}")
    return 1 if wrong else 0


def tell(judge: Judge, seed: str, state: State, whole: bool, by_run: bool) -> None:
    """Print a difference, its reduced state and the command that shows it again."""
    judge = Judge(judge.program, by_run)  # what is tried here is not counted
    kinds = {fault.kind for fault in judge.faults(state)}

    def still(smaller: State) -> bool:
        try:
            return bool(kinds & {fault.kind for fault in judge.faults(smaller)})
        except Exception:
            return False

    small = state if whole else reduced(state, still)
    for fault in judge.faults(small):
        print(f"{seed}: {fault.kind}: {fault.words}")
    print(f"  {json.dumps(small)}")
    print(f"  scripts/truth --seed {seed}{' --run' if by_run else ''}", flush=True)


def shown(judge: Judge, state: State, seed: str, whole: bool) -> int:
    """Judge one state and print what differs."""
    faults = judge.faults(state)
    for fault in faults:
        print(f"{seed}: {fault.kind}: {fault.words}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
