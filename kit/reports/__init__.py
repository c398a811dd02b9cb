"""From recipe and results to the report: numbers, comparison, text, plots. Nothing here measures or runs anything."""
