"""The machine that a target was measured on, in the fields of an MLPerf system description."""

from __future__ import annotations

from kit.results.resultsfile import Results

__all__ = ["system_description"]

#: Fields that the form has and nobody records here.
_UNKNOWN = (
    "submitter", "host_processors_per_node", "host_processor_vcpu_count", "host_processor_frequency",
    "host_processor_caches", "host_processor_interconnect", "host_memory_configuration", "host_storage_capacity",
    "host_storage_type", "host_networking", "host_networking_topology", "accelerator_memory_capacity",
    "accelerator_host_interconnect", "accelerator_interconnect", "cooling",
)  # fmt: skip


def system_description(results: Results) -> dict[str, str]:
    """The fields of MLPerf Inference's ``systems/<name>.json`` that the results know; what nobody recorded is empty.

    https://github.com/mlcommons/policies/blob/master/submission_rules.adoc
    """
    host = results.host
    accelerated = results.hardware.upper() != "CPU"
    known = {"architecture", "cores", "cpu", "engine", "kernel", "memory", "runner"}
    software = [f"{name} {version}" for name, version in sorted(results.environment.items())]
    return dict.fromkeys(_UNKNOWN, "") | {
        "division": "open",
        "status": "RDI" if results.source == "measured" else "SIMULATED",
        "system_name": results.target,
        "system_type": "edge",
        "number_of_nodes": "1",
        "host_processor_model_name": host.get("cpu", ""),
        "host_processor_core_count": host.get("cores", ""),
        "host_memory_capacity": host.get("memory", ""),
        "accelerators_per_node": "" if accelerated else "0",
        "accelerator_model_name": results.hardware if accelerated else "",
        "hw_notes": "; ".join(f"{name}: {text}" for name, text in sorted(host.items()) if name not in known),
        "framework": results.toolchain,
        "operating_system": " ".join(filter(None, (host.get("kernel"), host.get("architecture")))),
        "other_software_stack": ", ".join([*software, *filter(None, [host.get("engine")])]),
        "sw_notes": "" if results.containerized else "not containerized",
    }
