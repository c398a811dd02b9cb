"""The users' own programs before and after inference, and the metric that they print."""
