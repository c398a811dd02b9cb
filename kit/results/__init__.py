"""What was measured, and the proof of it."""
