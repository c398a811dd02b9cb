"""kit: reproduce, verify and audit accelerator porting reports of vision models, in containers."""

__all__ = ["__version__"]

__version__ = "0.1.0"
