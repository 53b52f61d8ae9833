"""`python -m mesh_assets_tests.terraform.check`, part of `make check`: the format and validity of `terraform/` and
`deploy/ecs/`."""

import sys

from mesh_assets_tests.terraform.terraform_cli import (
    FOLDER,
    NOT_HERE,
    terraform_command,
    terraform_folder,
)

FOLDERS = (FOLDER, FOLDER.parent / "deploy" / "ecs")


def main() -> int:
    command = terraform_command()
    if command is None:
        print(NOT_HERE, file=sys.stderr)  # noqa: T201  # a program of its own
        return 1
    for folder in FOLDERS:
        with terraform_folder(command, folder=folder) as terraform:
            for arguments in (("fmt", "-check", "-diff", "-recursive"), ("validate",)):
                answer = terraform.run(*arguments)
                if answer.status != 0:
                    print(  # noqa: T201
                        f"terraform {' '.join(arguments)} (in {folder.relative_to(FOLDER.parent)}/):\n{answer.text.strip()}",
                        file=sys.stderr,
                    )
                    return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
