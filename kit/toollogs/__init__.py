"""Text of vendor tools: characters, line prefixes, the protocol of readers."""
