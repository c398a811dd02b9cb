"""Weight-only subgraphs of an ONNX model, computed once: some networks standardise their weights in each call.

Only computed values are folded; constants and plain copies of weights stay as the exporter wrote them, so that models
without such subgraphs keep their bytes. What would make the file larger is not folded.
"""

from __future__ import annotations

from typing import Any

__all__ = ["fold_weights"]

#: What the exporter writes for weights that are shared: nothing is computed.
_PLAIN = {"Constant", "Identity"}
#: Never the same twice, or not worth its bytes.
_NEVER = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli"}
#: A result of so few bytes may be larger than what it is made of: shapes and scales.
_SMALL = 4096


def fold_weights(proto: Any) -> int:
    """Replace weight-only subgraphs by their results, in place; returns the number of nodes that were removed.

    Args:
        proto: an ``onnx.ModelProto``.
    """
    graph = proto.graph
    known = {one.name for one in graph.initializer}
    known |= {name for node in graph.node if node.op_type == "Constant" for name in node.output}
    folded = []
    for node in graph.node:
        inputs = [name for name in node.input if name]
        if node.op_type in _NEVER or not inputs or not known.issuperset(inputs) or node.domain or _has_subgraph(node):
            continue
        folded.append(node)
        known.update(node.output)
    if all(node.op_type in _PLAIN for node in folded):
        return 0
    values = _computed(proto, folded)
    if values is None:
        return 0
    gone = {id(node) for node in folded}
    kept = [node for node in graph.node if id(node) not in gone]
    needed = {name for node in kept for name in node.input} | {one.name for one in graph.output} | _captured(kept)
    results = {name: value for name, value in values.items() if name in needed}
    before = {one.name: one.ByteSize() for one in graph.initializer}
    after = sum(value.nbytes for value in results.values())
    saved = sum(size for name, size in before.items() if name not in needed)
    if after > saved + _SMALL:
        return 0
    _replace(graph, kept, results, needed)
    return len(folded)


def _has_subgraph(node: Any) -> bool:
    return any(attribute.HasField("g") or len(attribute.graphs) for attribute in node.attribute)


def _captured(nodes: list[Any]) -> set[str]:
    """Names of the outer graph that subgraphs of these nodes use."""
    found: set[str] = set()
    pending = [graph for node in nodes for a in node.attribute for graph in ([a.g] if a.HasField("g") else a.graphs)]
    while pending:
        graph = pending.pop()
        for node in graph.node:
            found.update(node.input)
            pending += [one for a in node.attribute for one in ([a.g] if a.HasField("g") else a.graphs)]
        found.update(one.name for one in graph.output)
    return found


def _computed(proto: Any, nodes: list[Any]) -> dict[str, Any] | None:
    """Every result of these nodes, by ONNX Runtime; None where it cannot compute them."""
    import onnx
    import onnxruntime

    names = [name for node in nodes for name in node.output if name]
    part = onnx.ModelProto()
    part.ir_version = proto.ir_version
    part.opset_import.extend(proto.opset_import)
    part.graph.name = "weights"
    part.graph.initializer.extend(proto.graph.initializer)
    part.graph.node.extend(node for node in proto.graph.node if node.op_type == "Constant")
    part.graph.node.extend(node for node in nodes if node.op_type != "Constant")
    part.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    # One thread: the order of a sum, and with it the bytes of the model, must not depend on the machine's cores.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(part.SerializeToString(), options, providers=["CPUExecutionProvider"])
        results = session.run(names, {})
    except Exception:  # noqa: BLE001 - its errors have no common base; then the subgraph simply stays
        return None
    return dict(zip(names, results, strict=True))


def _replace(graph: Any, kept: list[Any], results: dict[str, Any], needed: set[str]) -> None:
    from onnx import numpy_helper

    nodes = [_copied(node) for node in kept if node.op_type != "Constant" or needed & set(node.output)]
    weights = [_copied(one) for one in graph.initializer if one.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in results.items())


def _copied(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
