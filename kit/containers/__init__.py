"""The engine, its images, and the runners of steps."""
