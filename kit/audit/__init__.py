"""Check the derived statements of published reports of this family: ``audit_file(path)``."""

from __future__ import annotations

from kit.audit.audit import audit_file, audit_text
from kit.audit.findings import AuditResult, Finding, Held, Kind, Severity

__all__ = ["AuditResult", "Finding", "Held", "Kind", "Severity", "audit_file", "audit_text"]
