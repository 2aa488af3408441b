"""`quorate explain CODE`: what an error means, with a wrong and a right example."""

import click
from click.shell_completion import CompletionItem

from quorate.lang.codes import codes
from quorate.lang.codes import explain as explanation


def _beginning_with(
    context: click.Context, parameter: click.Parameter, text: str
) -> list[CompletionItem]:
    found = codes().items()
    return [CompletionItem(name, help=title) for name, title in found if name.startswith(text)]


@click.command()
@click.argument("code", required=False, shell_complete=_beginning_with)
def explain(code: str | None) -> None:
    """Explain the code of an error, such as Q012.

    Without CODE, all codes are listed. `q12` and `12` are understood too.
    """
    if code is None:
        for name, title in codes().items():
            click.echo(f"{name}  {title}")
        return
    text = explanation(code)
    if text is None:
        raise click.ClickException(_unknown(code))
    click.echo(text.rstrip())


def _unknown(code: str) -> str:
    from quorate.lang.names import nearest

    meant = nearest(code, codes())
    hint = f"did you mean {meant}?" if meant else "`quorate explain` lists all."
    return f"There is no code '{code}': {hint}"
