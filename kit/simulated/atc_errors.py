"""The error block of atc: code, message in square brackets as 5.x writes them, then what it advises."""

from __future__ import annotations

__all__ = ["AtcError", "invalid"]

SOLUTIONS = {
    "E10001": "Try again with a valid argument.",
    "E10002": "The valid format is input_name1:n1,c1,h1,w1;input_name2:n2,c2,h2,w2. Replace input_name with node "
    "names. Ensure that the shape values are integers.",
    "E10016": "Specify the name of an existing node in the graph.",
    "E10022": "Add the file name to the path.",
    "EZ3003": "1. Check that the OPP component is installed properly. 2. Submit an issue to request for the support of "
    "this operator type.",
}
CAUSES = {
    "EZ3003": "The operator is not supported by the system. Therefore, no hit is found in any operator information "
    "library.",
}
TRACES = {
    "EZ3003": "build graph failed, graph id:0, ret:-1[FUNC:BuildModel][FILE:ge_generator.cc][LINE:1484]",
    "E19999": "GenerateOfflineModel failed[FUNC:GenerateModel][FILE:ge_generator.cc][LINE:703]",
}


class AtcError(Exception):
    """A failure that atc reports: ``code``, the text after it, and a reason of the stand-in for stderr."""

    def __init__(self, code: str, message: str, why: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.why = why

    def block(self) -> str:
        """The lines at the end of stdout; absent parts are left out, as atc leaves them out."""
        lines = [str(self)]
        if self.code in CAUSES:
            lines.append(f"        Possible Cause: {CAUSES[self.code]}")
        if self.code in SOLUTIONS:
            lines.append(f"        Solution: {SOLUTIONS[self.code]}")
        if self.code in TRACES:
            lines += ["        TraceBack (most recent call last):", f"        {TRACES[self.code]}"]
        return "\n".join(lines)


def invalid(value: object, parameter: str, reason: str) -> AtcError:
    """E10001, the general one."""
    return AtcError("E10001", f"Value [{value}] for parameter [{parameter}] is invalid. Reason: {reason}")
