"""The rules of ``kit audit``: one rule, one file, one id. ``kit.audit.rule`` finds them."""
