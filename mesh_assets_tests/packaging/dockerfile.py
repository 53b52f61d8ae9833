"""Parses a Dockerfile: its stages and their steps. Supports only the instructions that this project's uses."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

KNOWN = {"FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER", "EXPOSE", "CMD"}


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction, and what follows it, as one line."""

    instruction: str
    text: str


@dataclass(frozen=True, slots=True)
class Stage:
    """`base`: an image, or the name of an earlier stage."""

    base: str
    name: str | None
    steps: list[Step] = field(default_factory=list)

    def last(self, instruction: str) -> str:
        """The arguments of the last such instruction."""
        return [step.text for step in self.steps if step.instruction == instruction][-1]


def read_dockerfile(path: Path) -> list[Stage]:
    """Its stages, in order. Raises ValueError for an unsupported instruction."""
    stages: list[Stage] = []
    for step in _steps(path.read_text(encoding="utf-8")):
        if step.instruction not in KNOWN:
            raise ValueError(f"{path}: {step.instruction} is none of {', '.join(sorted(KNOWN))}")
        if step.instruction != "FROM":
            stages[-1].steps.append(step)
            continue
        base, _, name = step.text.partition(" AS ")
        stages.append(Stage(base, name or None))
    return stages


def _steps(text: str) -> Iterator[Step]:
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    whole = ""
    for line in lines:
        whole += line.strip()
        if whole.endswith("\\"):
            whole = f"{whole[:-1].rstrip()} "
            continue
        instruction, _, rest = whole.partition(" ")
        yield Step(instruction, rest.strip())
        whole = ""


def assignments(text: str) -> dict[str, str]:
    """Of ENV."""
    return dict(word.split("=", 1) for word in shlex.split(text))


def copied(text: str) -> tuple[str | None, list[str], str]:
    """Of COPY: the stage it comes from (None: the context), the sources and the target."""
    stage = re.match(r"--from=(\S+) ", text)
    *sources, target = text.removeprefix(stage[0] if stage else "").split()
    return (stage[1] if stage else None), sources, target


def command(text: str) -> list[str]:
    """Of CMD in its form as a list."""
    words: list[str] = json.loads(text)
    return words


def context_paths(ignore: Path) -> list[str]:
    """The exceptions in a `.dockerignore` that ignores everything."""
    lines = [line for line in ignore.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert lines[0] == "*", "expected all to be ignored but for what follows"
    assert {line for line in lines[1:] if line[0] != "!"} == {"**/__pycache__"}
    return [line[1:] for line in lines if line[0] == "!"]
