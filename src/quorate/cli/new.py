"""`quorate new NAME`: a first program to begin from, whose text is the file first_program.da."""

import keyword
from pathlib import Path

import click

_TEMPLATE = Path(__file__).with_name("first_program.da")


@click.command()
@click.argument("name", type=click.Path())
def new(name: str) -> None:
    """Write a first program, with comments, to begin from.

    NAME may have folders, which must exist, and may end in `.da`; no file is overwritten.
    """
    path = Path(f"{name.removesuffix('.da')}.da")
    module = path.name.removesuffix(".da")
    if not module.isidentifier() or keyword.iskeyword(module):
        raise click.UsageError(
            f"'{module}' cannot be imported as a module: use letters, digits and _, "
            "and begin with a letter"
        )
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE.read_text(encoding="utf-8"))
    except FileExistsError:
        raise click.ClickException(f"{path} is there already, and is left as it is") from None
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from None
    click.echo(f"{path} is written; to run it: quorate run {path}")
