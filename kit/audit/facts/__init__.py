"""What an audit reads of a report, once: rules look at these facts and at nothing else."""
