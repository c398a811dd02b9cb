"""What was measured, with the evidence of each number."""
