"""`quorate completion SHELL`: the script that completes commands and options in a shell."""

import click
from click.shell_completion import get_completion_class

from quorate.cli import COMPLETION_VARIABLE, PROGRAM


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  quorate completion bash >> ~/.bashrc
    zsh:   quorate completion zsh >> ~/.zshrc
    fish:  quorate completion fish > ~/.config/fish/completions/quorate.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, shell
    root = click.get_current_context().find_root().command
    click.echo(kind(root, {}, PROGRAM, COMPLETION_VARIABLE).source())
