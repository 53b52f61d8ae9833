"""Compatibility levels and modes: the global ones, and whether a subject has its own.

There is no bulk call, so each costs one request per subject. Registries differ for a subject without its own:
Confluent, Karapace and AxonOps answer 404 with 40408 (for a mode 40409), older ones of Confluent with the code
of an unknown subject; Apicurio answers 200 with the inherited one, as if it were the subject's.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from mesh_assets.errors import PlatformError, RefusedError, UnreachableError
from mesh_assets.platforms.http import Answer, Clock, HttpService, path_segment
from mesh_assets.platforms.schema_registry.records import Level, SubjectLevels, is_absent, is_qualified

KIND = "levels"
"""The kind under which requests for levels are counted, separately because they grow with the subjects."""

_SUBJECT_NOT_FOUND = 40401


@dataclass(frozen=True, slots=True)
class _What:
    """`/config` or `/mode`: the path, the possible keys of its value, and the code for a subject without its
    own."""

    path: str
    keys: tuple[str, ...]
    not_own: int


COMPATIBILITY = _What("/config", ("compatibilityLevel", "compatibility"), 40408)
MODE = _What("/mode", ("mode",), 40409)


@dataclass(frozen=True, slots=True)
class _Inherited:
    """What subjects without their own inherit. `unknown`: why it could not be read; None: it could."""

    level: str | None
    unknown: PlatformError | None = None


class LevelReader:
    """Reads the levels of one registry and remembers whether it distinguishes own from inherited ones."""

    def __init__(self, service: HttpService, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        # A path that has once answered "none of its own" answers with a level only if the subject has one.
        self._distinguishes_own: set[str] = set()
        # A path that answered "no such subject" about one that exists; there, it means "none of its own".
        self._misnames_inherited: set[str] = set()

    def global_level(self, what: _What) -> str | None:
        """The registry's own level, None when it has none. Raises PlatformError."""
        answer = self._ask(what.path)
        return None if is_absent(answer) else _value(answer, what)

    def level(self, subject: str, what: _What, *, inherited: str | None) -> Level:
        """The level in force for `subject`; `inherited` is the global one.

        Raises PlatformError, also when there is no such subject.
        """
        return self._level(subject, what, _Inherited(inherited))

    def _level(self, subject: str, what: _What, inherited: _Inherited) -> Level:
        path = f"{what.path}/{path_segment(subject)}"
        answer = self._ask(path)
        if is_absent(answer):
            if answer.error_code == _SUBJECT_NOT_FOUND and not self._misnamed(subject, what):
                raise answer.error()
            if answer.error_code in (what.not_own, _SUBJECT_NOT_FOUND):
                self._distinguishes_own.add(what.path)
            differs = is_qualified(subject) or inherited.unknown is not None
            return Level(level=self._in_force(path, what) if differs else inherited.level, own=False)
        level = _value(answer, what)
        if what.path in self._distinguishes_own:
            return Level(level=level, own=True)
        if level == inherited.level or inherited.unknown is not None:
            return Level(level=level, own=None)
        # It differs from the global one, so it seems to be the subject's own. But Apicurio inherits from its
        # configuration file unless asked to use the global level: then the two requests get different
        # answers.
        in_force = self._in_force(path, what)
        return Level(level=level, own=True) if in_force in (level, None) else Level(level=in_force, own=False)

    def _misnamed(self, subject: str, what: _What) -> bool:
        """Whether "no such subject" means "none of its own" here: it does if the subject has a version."""
        if (
            what.path not in self._misnames_inherited
            and self._ask(f"/subjects/{path_segment(subject)}/versions/latest").ok
        ):
            self._misnames_inherited.add(what.path)
        return what.path in self._misnames_inherited

    def levels(self, subjects: Sequence[str], *, workers: int, within_seconds: float) -> list[SubjectLevels]:
        """Compatibility and mode of each of `subjects`, in their order.

        Raises nothing: each subject carries its own error, and if a registry offers only one of the two, that
        one is returned. Once it cannot be reached or `within_seconds` have passed, the remaining subjects are
        not read.
        """
        ends = self._clock.monotonic() + within_seconds
        stopped: list[str] = []

        def one(subject: str, what: _What, inherited: _Inherited, errors: list[str]) -> Level | None:
            if inherited.unknown is not None and not isinstance(inherited.unknown, RefusedError):
                errors.append(str(inherited.unknown))  # not offered, so every subject would answer the same
                return None
            try:
                return self._level(subject, what, inherited)
            except PlatformError as error:
                errors.append(str(error))
                if isinstance(error, UnreachableError):
                    stopped.append(str(error))
                return None

        def read(subject: str) -> SubjectLevels:
            if stopped:
                return SubjectLevels(subject=subject, error=stopped[0])
            if self._clock.monotonic() > ends:
                return SubjectLevels(
                    subject=subject, error=f"not read: the {within_seconds:g} s for levels were over"
                )
            errors: list[str] = []
            compatibility = one(subject, COMPATIBILITY, all_compatibility, errors)
            mode = None if stopped else one(subject, MODE, all_mode, errors)
            return SubjectLevels(
                subject=subject,
                compatibility=compatibility,
                mode=mode,
                error="; ".join(dict.fromkeys(errors or (stopped if mode is None else ()))) or None,
            )

        if not subjects:
            return []
        all_compatibility, all_mode = self._inherited(COMPATIBILITY), self._inherited(MODE)
        for inherited in (all_compatibility, all_mode):
            if isinstance(inherited.unknown, UnreachableError):
                return [SubjectLevels(subject=subject, error=str(inherited.unknown)) for subject in subjects]
        with ThreadPoolExecutor(
            max_workers=min(workers, len(subjects)), thread_name_prefix="mesh-levels"
        ) as pool:
            return [self._sharpened(levels) for levels in list(pool.map(read, subjects))]

    def _inherited(self, what: _What) -> _Inherited:
        try:
            return _Inherited(self.global_level(what))
        except PlatformError as error:
            return _Inherited(None, unknown=error)

    def _sharpened(self, levels: SubjectLevels) -> SubjectLevels:
        # Read before the registry showed that it distinguishes own from inherited; now we know.
        return replace(
            levels,
            compatibility=self._known(levels.compatibility, COMPATIBILITY),
            mode=self._known(levels.mode, MODE),
        )

    def _known(self, level: Level | None, what: _What) -> Level | None:
        return (
            replace(level, own=True)
            if level is not None and level.own is None and what.path in self._distinguishes_own
            else level
        )

    def _in_force(self, path: str, what: _What) -> str | None:
        answer = self._ask(path, defaultToGlobal="true")
        return None if is_absent(answer) else _value(answer, what)

    def _ask(self, path: str, **params: str) -> Answer:
        return self._service.ask("GET", path, params=params, kind=KIND)


def _value(answer: Answer, what: _What) -> str:
    value: Any = answer.json()
    for key in what.keys:
        level = value.get(key) if isinstance(value, dict) else None
        if isinstance(level, str) and level:
            return level
    raise answer.unexpected(f"without {what.keys[0]}")
