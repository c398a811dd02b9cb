"""What a stranger needs to check a reproduction, in one file or folder."""
