"""Programs that run in containers, mounted read-only at /kit/inside. They import nothing of the rest of kit."""
