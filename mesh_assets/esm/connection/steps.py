"""What a test of a connection tells: step by step, what was found, and where it failed the likely cause."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

StepName = Literal["name resolution", "TCP", "TLS", "authentication", "metadata", "topic", "rights"]
State = Literal["ok", "failed", "skipped"]

STEPS: tuple[StepName, ...] = (
    "name resolution",
    "TCP",
    "TLS",
    "authentication",
    "metadata",
    "topic",
    "rights",
)


class Step(Struct, frozen=True, kw_only=True):
    """`facts`: what was found, for people. `said`: of a failed step what happened, of a skipped one why.
    `cause`: the likely one, and what to do; empty unless it failed."""

    name: StepName
    state: State
    facts: Mapping[str, str | int] = {}
    said: str = ""
    cause: str = ""


class ConnectionReport(Struct, frozen=True, kw_only=True):
    """`endpoint`: the brokers asked; `login`: as whom, in words; `origin`: where the credentials are from.
    Holds no secret."""

    endpoint: str
    login: str
    origin: str
    steps: tuple[Step, ...]

    @property
    def ok(self) -> bool:
        return all(step.state != "failed" for step in self.steps)

    @property
    def failure(self) -> Step | None:
        return next((step for step in self.steps if step.state == "failed"), None)
