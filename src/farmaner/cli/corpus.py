"""`farmaner corpus`: look at a corpus folder."""

import typer

app = typer.Typer(help="Look at a corpus folder.", no_args_is_help=True)


@app.callback()
def corpus() -> None:
    """Look at a corpus folder."""
