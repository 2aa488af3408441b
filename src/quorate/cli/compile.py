"""`quorate compile FILE`: what each stage of the compiler makes of a program."""

import click

STAGES = ("tree", "program", "flow", "plan", "python")


@click.command("compile")
@click.argument("file", type=click.Path())
@click.option(
    "--stage",
    type=click.Choice(STAGES),
    default="python",
    show_default=True,
    help="tree: as parsed; program: names resolved; flow: atomic blocks; plan: queries; "
    "python: what is run.",
)
def compile_(file: str, stage: str) -> None:
    """Print what a stage of the compiler makes."""
    from quorate.compiler.passes import stage_text

    click.echo(stage_text(file, stage))
