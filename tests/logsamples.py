"""Logs of our own making in the forms of the tools, one of each."""

from __future__ import annotations

import json
from typing import Any

from kit.toollogs.reader import Reader, read_bytes, readers

__all__ = ["FAMILIES", "SAMPLES", "assert_told", "numbers", "read", "reader_of"]

PERF = """\
[e2e] throughputRate: 312.638, latency: 159929
[data read] throughputRate: 321.245, moduleLatency: 3.11289
[preprocess] throughputRate: 319.722, moduleLatency: 3.12772
[infer] throughputRate: 314.855, Interface throughputRate: 1.89173e+03, moduleLatency: 2.01078
[post] throughputRate: 19.6777, moduleLatency: 50.8189
"""
PURE = """\
[INFO] Dataset number: 19 finished cost 25.448ms
[INFO] PureInfer result saved in ./result/PureInfer_perf_of_net_bs4_in_device_0.txt
-----------------PureInfer Performance Summary------------------
[INFO] ave_throughputRate: 157.113samples/s, ave_latency: 6.41437ms
----------------------------------------------------------------
"""
AIS = """\
[INFO] load model net_bs4.om success
[INFO] -----------------Performance Summary------------------
[INFO] H2D_latency (ms): min = 0.25, max = 0.75, mean = 0.5, median = 0.5, percentile(99%) = 0.74
[INFO] NPU_compute_time (ms): min = 1.75, max = 2.5, mean = 2.0, median = 1.9375, percentile(99%) = 2.4375
[INFO] D2H_latency (ms): min = 0.05, max = 0.07, mean = 0.06, median = 0.0625, percentile(99%) = 0.0675
[INFO] throughput 1000*batchsize(4)/NPU_compute_time.mean(2.0): 2000.0
[INFO] ------------------------------------------------------
"""
TRTEXEC_7 = """\
&&&& RUNNING TensorRT.trtexec # trtexec --onnx=net.onnx --fp16 --shapes=x:4x3x8x8 --threads
[02/03/2021-10:00:00] [I] Selected Device: Tesla T4
[02/03/2021-10:00:01] [I] Input inference shape: x=4x3x8x8
[02/03/2021-10:00:05] [I] Timing trace has 0 queries over 3.0 s
[02/03/2021-10:00:05] [I] Average on 10 runs - GPU latency: 1.5 ms - Host latency: 2 ms (end to end 3 ms, enqueue 0.3 ms)
[02/03/2021-10:00:05] [I] Host Latency
[02/03/2021-10:00:05] [I] min: 1.5 ms (end to end 2.5 ms)
[02/03/2021-10:00:05] [I] max: 2.25 ms (end to end 3.5 ms)
[02/03/2021-10:00:05] [I] mean: 1.75 ms (end to end 3 ms)
[02/03/2021-10:00:05] [I] median: 1.75 ms (end to end 3.25 ms)
[02/03/2021-10:00:05] [I] percentile: 2.125 ms at 99% (end to end 3.375 ms at 99%)
[02/03/2021-10:00:05] [I] throughput: 0 qps
[02/03/2021-10:00:05] [I] walltime: 3.004 s
[02/03/2021-10:00:05] [I] Enqueue Time
[02/03/2021-10:00:05] [I] min: 0.25 ms
[02/03/2021-10:00:05] [I] max: 0.5 ms
[02/03/2021-10:00:05] [I] median: 0.28125 ms
[02/03/2021-10:00:05] [I] GPU Compute
[02/03/2021-10:00:05] [I] min: 1.25 ms
[02/03/2021-10:00:05] [I] max: 2 ms
[02/03/2021-10:00:05] [I] mean: 1.5 ms
[02/03/2021-10:00:05] [I] median: 1.46875 ms
[02/03/2021-10:00:05] [I] percentile: 1.96875 ms at 99%
[02/03/2021-10:00:05] [I] total compute time: 2.955 s
&&&& PASSED TensorRT.trtexec # trtexec --onnx=net.onnx --fp16 --shapes=x:4x3x8x8 --threads
"""  # noqa: E501 - as the tool prints it
TRTEXEC_8 = """\
&&&& RUNNING TensorRT.trtexec [TensorRT v8205] # trtexec --loadEngine=net.plan
[02/03/2022-10:00:00] [I] Selected Device: Tesla T4
[02/03/2022-10:00:01] [I] Created input binding for x with dimensions 4x3x8x8
[02/03/2022-10:00:05] [I] Timing trace has 1200 queries over 3 s
[02/03/2022-10:00:05] [I] === Performance summary ===
[02/03/2022-10:00:05] [I] Throughput: 400 qps
[02/03/2022-10:00:05] [I] Latency: min = 2.5 ms, max = 3.5 ms, mean = 2.75 ms, median = 2.75 ms, percentile(99%) = 3.25 ms
[02/03/2022-10:00:05] [I] Enqueue Time: min = 0.25 ms, max = 0.5 ms, mean = 0.375 ms, median = 0.375 ms, percentile(99%) = 0.5 ms
[02/03/2022-10:00:05] [I] H2D Latency: min = 0.25 ms, max = 0.25 ms, mean = 0.25 ms, median = 0.25 ms, percentile(99%) = 0.25 ms
[02/03/2022-10:00:05] [I] GPU Compute Time: min = 2 ms, max = 3 ms, mean = 2.25 ms, median = 2.25 ms, percentile(99%) = 2.75 ms
[02/03/2022-10:00:05] [I] D2H Latency: min = 0.25 ms, max = 0.25 ms, mean = 0.25 ms, median = 0.25 ms, percentile(99%) = 0.25 ms
[02/03/2022-10:00:05] [I] Total Host Walltime: 3 s
[02/03/2022-10:00:05] [I] Total GPU Compute Time: 2.7 s
&&&& PASSED TensorRT.trtexec [TensorRT v8205] # trtexec --loadEngine=net.plan
"""  # noqa: E501 - as the tool prints it
NPU_SMI = """\
+--------------------------------------------------------------------------------------------+
| npu-smi 22.0.0                       Version: 22.0.0                                       |
+-------------------+-----------------+------------------------------------------------------+
| NPU     Name      | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device    | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
+===================+=================+======================================================+
| 0       310P3     | OK              | 15.9         49                18   / 18             |
| 0       0         | 0000:17:00.0    | 0            958  / 21054                            |
+===================+=================+======================================================+
| 1       310P3     | OK              | 16.2         51                0    / 0              |
| 0       1         | 0000:27:00.0    | 35           4958 / 21054                            |
+===================+=================+======================================================+
"""
NVIDIA_SMI = """\
index, name, driver_version, power.draw [W], memory.used [MiB], clocks_throttle_reasons.active
0, Tesla T4, 460.32.03, 16.31 W, 3 MiB, 0x0000000000000004
1, Tesla T4, 460.32.03, [N/A], 1234 MiB, 0x0000000000000000
"""
VISION = json.dumps(
    {
        "title": "Overall statistical evaluation",
        "value": [
            {"key": "Number of images", "value": "50000"},
            {"key": "Number of classes", "value": "1000"},
            *({"key": f"Top{k} accuracy", "value": f"{70.25 + k}%"} for k in range(1, 6)),
        ],
    }
)
ATC = """\
ATC start working now, please wait for a moment.
...
ATC run success, welcome to the next use.
W11001: Op [Slice_29] does not hit the high-priority operator information library.
"""
TIMES = "[\n" + "\n, ".join(
    json.dumps(
        {
            "startEnqMs": 3.0 * i, "endEnqMs": 3.0 * i + 0.5, "startH2dMs": 3.0 * i, "endH2dMs": 3.0 * i + 0.5,
            "startComputeMs": 3.0 * i + 0.5, "endComputeMs": 3.0 * i + 2.5, "startD2hMs": 3.0 * i + 2.5,
            "endD2hMs": 3.0 * i + 3.0, "h2dMs": 0.5, "computeMs": 2.0, "d2hMs": 0.5, "latencyMs": 3.0,
        }
    )
    for i in range(80)
) + "\n]\n"  # fmt: skip
OUTPUT = (
    '[\n  { "name" : "output1"\n  , "dimensions" : "2x3"\n  , "values" : [ 0.25, -1.5, 3e-05, 12, 0, 7.125 ]\n  }\n]\n'
)
MSAME = """\
[INFO] model execute success
Inference time: 82.243ms
Inference average time : 81.88 ms
Inference average time without first time: 81.50 ms
[INFO] unload model success, model Id is 1
"""
BENCHMARK_APP = """\
[Step 1/11] Parsing and validating input arguments
[ INFO ] Parsing input parameters
[Step 2/11] Loading OpenVINO Runtime
[ INFO ] OpenVINO:
[ INFO ] Build ................................. 2024.3.0-16041-abcdef01234-releases/2024/3
[ INFO ]
[Step 4/11] Reading model files
[ INFO ] Read model took 6.25 ms
[Step 5/11] Resizing model to match image sizes and given batch
[ INFO ] Model batch size: 4
[Step 7/11] Loading the model to the device
[ INFO ] Compile model took 95.5 ms
[Step 8/11] Querying optimal runtime parameters
[ INFO ] Model:
[ INFO ]   NUM_STREAMS: 2
[ INFO ]   INFERENCE_PRECISION_HINT: <Type: 'bfloat16'>
[ INFO ]   PERFORMANCE_HINT: THROUGHPUT
[ INFO ]   EXECUTION_DEVICES: ['CPU']
[Step 10/11] Measuring performance (Start inference asynchronously, 3 inference requests, limits: 5000 ms duration)
[ INFO ] Benchmarking in inference only mode (inputs filling are not included in measurement loop).
[ INFO ] First inference took 16.75 ms
[Step 11/11] Dumping statistics report
[ INFO ] Execution Devices:['CPU']
[ INFO ] Count:            2502 iterations
[ INFO ] Duration:         5004.00 ms
[ INFO ] Latency:
[ INFO ]    Median:        5.75 ms
[ INFO ]    Average:       6.00 ms
[ INFO ]    Min:           4.25 ms
[ INFO ]    Max:           21.50 ms
[ INFO ] Throughput:   2000.00 FPS
"""
BENCHMARK_APP_2021 = """\
[Step 5/11] Resizing network to match image sizes and given batch
[ INFO ] Network batch size: 2
[Step 7/11] Loading the model to the device
[ INFO ] Load network took 250.25 ms
[Step 10/11] Measuring performance (Start inference synchronously, limits: 60000 ms duration)
[ INFO ] First inference took 9.50 ms
Progress: [....................] 100.00% done
[Step 11/11] Dumping statistics report
Count:      7000 iterations
Duration:   60010.25 ms
Latency:    8.00 ms
Throughput: 250.00 FPS
"""
PERF_TEST = """\
Setting intra_op_num_threads to 1
Session creation time cost: 0.125 s
First inference time cost: 14 ms
Total inference time cost: 2.5 s
Total inference requests: 200
Average inference time cost total: 12.500000 ms
Total inference run time: 2.56 s
Number of inferences per second: 78.125
Avg CPU usage: 51 %
Peak working set size: 91336704 bytes
Avg CPU usage:51
Peak working set size:91336704
Runs:200
Min Latency: 0.01025 s
Max Latency: 0.0235 s
P50 Latency: 0.01225 s
P90 Latency: 0.0145 s
P95 Latency: 0.01625 s
P99 Latency: 0.02175 s
P999 Latency: 0.0235 s
"""
PROFILE = (
    '[\n  { "count" : 500 }\n, { "name" : "Conv_0", "timeMs" : 60, "averageMs" : 0.12, "percentage" : 75 }\n'
    ', { "name" : "Relu_1", "timeMs" : 20, "averageMs" : 0.04, "percentage" : 25 }\n]\n'
)

SAMPLES = {
    "perf": PERF,
    "pure": PURE,
    "ais": AIS,
    "trtexec 7": TRTEXEC_7,
    "trtexec 8": TRTEXEC_8,
    "npu-smi": NPU_SMI,
    "nvidia-smi": NVIDIA_SMI,
    "vision_metric": VISION,
    "atc": ATC,
    "msame": MSAME,
    "export_times": TIMES,
    "export_output": OUTPUT,
    "export_profile": PROFILE,
    "benchmark_app": BENCHMARK_APP,
    "benchmark_app 2021": BENCHMARK_APP_2021,
    "onnxruntime_perf_test": PERF_TEST,
}
FAMILIES = {"pure": "perf", "trtexec 7": "trtexec", "trtexec 8": "trtexec", "benchmark_app 2021": "benchmark_app"}


def reader_of(sample: str) -> Reader:
    family = FAMILIES.get(sample, sample)
    return next(reader for reader in readers() if reader.family == family)


def read(text: str) -> dict[str, Any]:
    """The JSON of a log."""
    return read_bytes(text.encode(), "x")[1].as_json()


def assert_told(sample: str, old: str, new: str, said: str) -> None:
    """A sample with a part replaced is no good log, and one of its problems says why."""
    assert old in sample
    found = read(sample.replace(old, new))
    assert found["status"] in ("lenient", "partial")
    assert any(said in problem for problem in found["problems"]), found["problems"]


def numbers(value: Any, place: str = "") -> dict[str, Any]:
    """Every number of a JSON value by its place."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in numbers(item, f"{place}.{key}").items()}
    if isinstance(value, list):
        return {k: v for i, item in enumerate(value) for k, v in numbers(item, f"{place}[{i}]").items()}
    return {place: value} if isinstance(value, int | float) else {}
