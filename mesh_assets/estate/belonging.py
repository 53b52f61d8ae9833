"""What the estate says about its topics that no schema does: other names of keys, and domains."""

from typing import Annotated

from pydantic import Field, model_validator

from mesh_assets.estate.fields import EstateModel

_Name = Annotated[str, Field(min_length=1, max_length=249)]


class RelationshipSettings(EstateModel):
    """`synonyms`: key → other names that fields have for it, in any spelling: `user_id: [uid, customerNo]`."""

    synonyms: dict[_Name, tuple[_Name, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_meaning(self) -> "RelationshipSettings":
        meanings: dict[str, str] = {}
        for key, others in self.synonyms.items():
            for name in (key, *others):
                plain = "".join(letter for letter in name.casefold() if letter.isalnum())
                if not plain:
                    raise ValueError(
                        f"synonyms of {key!r} include {name!r}, which has no letter; expected field names"
                    )
                if meanings.setdefault(plain, key) != key:
                    raise ValueError(
                        f"synonyms give {name!r} two meanings, {meanings[plain]!r} and {key!r}; name it once"
                    )
        return self


class DomainSettings(EstateModel):
    """`patterns`: domain → shell patterns of topic names; the first match counts. `overrides`: topic, or
    `cluster/topic`, → domain; they win over everything else."""

    patterns: dict[_Name, tuple[_Name, ...]] = Field(default_factory=dict)
    overrides: dict[Annotated[str, Field(min_length=1, max_length=512)], _Name] = Field(default_factory=dict)


class ContractSettings(EstateModel):
    """`folder`: where data contracts (ODCS, `*.odcs.yaml`) are kept, relative to the estate file; once read, the absolute
    path. None: nowhere."""

    folder: str | None = Field(default=None, min_length=1)
