"""``kit schema``."""

from __future__ import annotations

import json

import typer

__all__ = ["command", "schema_text"]


def schema_text() -> str:
    """The JSON Schema of a recipe, as the repository holds it for editors."""
    from kit.planning.task import load_task, task_names
    from kit.recipe.schema import Recipe

    tree = Recipe.model_json_schema()
    settings = {}
    for name in task_names():
        form = load_task(name).settings
        if form is not None:
            own = form.model_json_schema()
            tree["$defs"] |= own.pop("$defs", {})
            tree["$defs"][form.__name__] = own
            settings[name] = {"$ref": f"#/$defs/{form.__name__}"}
    tree["properties"]["task"]["properties"] = settings
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def command() -> None:
    """Print the JSON Schema of kit.yaml, for editors and other tools.

    \b
    Example:
      kit schema > kit.schema.json
    """  # noqa: D301 - \b keeps the lines of the example apart
    typer.echo(schema_text(), nl=False)
