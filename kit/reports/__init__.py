"""From recipe and results to the report: cells, comparison, text, plots. Nothing here measures or runs anything."""
