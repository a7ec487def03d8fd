"""`farmaner evaluate`: score a system against gold."""

import typer

app = typer.Typer(help="Score systems.", no_args_is_help=True)


@app.callback()
def evaluate() -> None:
    """Score systems."""
