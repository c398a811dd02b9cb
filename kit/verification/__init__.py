"""From raw outputs forward to the report, link by link, and the gate that a report must pass."""
