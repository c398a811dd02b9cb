"""Check the derived statements of published reports: ``audit_file(path)``."""

from __future__ import annotations

from kit.audit.audit import audit_file, audit_text
from kit.audit.diagnostic import AuditResult, Diagnostic, Fix, Kind, Severity, Verified

__all__ = ["AuditResult", "Diagnostic", "Fix", "Kind", "Severity", "Verified", "audit_file", "audit_text"]
