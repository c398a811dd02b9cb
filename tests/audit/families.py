"""Tables of many families of reports, right as they stand, each with slips that a reader would want to hear of.

A slip is (old, new, line within the text): ``old`` stands there once.
"""

# ruff: noqa: E501 - headers of published tables are long

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """A report of one family and slips in it."""

    name: str
    text: str
    slips: tuple[tuple[str, str, int], ...]


FAMILIES = [
    Family(
        "training speed-up and scaling in groups",
        """\
#### Training performance: NVIDIA DGX A100 (8x A100 80GB)

|**GPUs** | **Batch size / GPU (TF32 - mixed precision)** | **Sequence length** | **Throughput - TF32 (sequences/sec)** | **Throughput - mixed precision (sequences/sec)** | **Throughput speedup (TF32 - mixed precision)** | **Weak scaling - TF32** | **Weak scaling - mixed precision** |
|---|---|---|---|---|---|---|---|
|1 | 8192 / 8192 | 128 | 317 | 580 | 1.83 | 1.00 | 1.00 |
|4 | 8192 / 8192 | 128 | 1230 | 2230 | 1.81 | 3.88 | 3.84 |
|8 | 8192 / 8192 | 128 | 2505 | 4580 | 1.83 | 7.90 | 7.90 |
|1 | 4096 / 4096 | 512 | 110 | 195 | 1.77 | 1.00 | 1.00 |
|4 | 4096 / 4096 | 512 | 425 | 760 | 1.79 | 3.86 | 3.90 |
|8 | 4096 / 4096 | 512 | 860 | 1540 | 1.79 | 7.82 | 7.90 |
""",
        (("| 1.81 |", "| 2.81 |", 6), ("| 7.82 |", "| 6.82 |", 10), ("| 3.84 |", "| 3.48 |", 6)),
    ),
    Family(
        "training throughput with units in cells",
        """\
## Training performance results

|**GPUs**|**Throughput - TF32**|**Throughput - mixed precision**|**Throughput speedup (TF32 to mixed precision)**|**TF32 Strong Scaling**|**Mixed Precision Strong Scaling**|**Mixed Precision Training Time (90E)**|**TF32 Training Time (90E)**|
|:------:|:--------------------:|:-----------------------------------------------------:|:-------------------------------------------------------------:|:---------:|:---------:|:---------:|:---------:|
| 1 | 938 img/s | 2470 img/s | 2.63 x | 1.0 x | 1.0 x | ~14 hours | ~36 hours |
| 8 | 7248 img/s | 16621 img/s | 2.29 x | 7.72 x | 6.72 x | ~3 hours | ~5 hours |
""",
        (("2.63 x", "3.63 x", 5), ("7.72 x", "5.72 x", 6)),
    ),
    Family(
        "inference latency percentiles",
        """\
### Inference performance

| **Batch Size** | **Throughput Avg** | **Latency Avg** | **Latency 95%** | **Latency 99%** |
|---|---|---|---|---|
| 1 | 96 img/s | 10.37 ms | 10.81 ms | 11.73 ms |
| 2 | 196 img/s | 10.24 ms | 11.18 ms | 12.89 ms |
| 4 | 386 img/s | 10.46 ms | 11.01 ms | 11.75 ms |
| 8 | 709 img/s | 11.50 ms | 12.36 ms | 13.12 ms |
| 16 | 1023 img/s | 16.07 ms | 15.69 ms | 15.97 ms |
""",
        (("12.36 ms", "123.6 ms", 8), ("| 386 img/s", "| 836 img/s", 7)),
    ),
    Family(
        "latency percentiles with p",
        """\
| Model | Min (ms) | Mean (ms) | P50 (ms) | P90 (ms) | P99 (ms) | Max (ms) |
|---|---|---|---|---|---|---|
| resnet | 4.10 | 4.52 | 4.48 | 4.91 | 5.60 | 9.31 |
| vit | 8.22 | 9.01 | 8.95 | 9.77 | 11.02 | 14.40 |
""",
        (("| 4.91 |", "| 6.91 |", 3), ("| 9.01 |", "| 19.01 |", 4), ("| 8.22 |", "| 9.22 |", 4)),
    ),
    Family(
        "detection scores",
        """\
|Model|size (pixels)|mAP val 50-95|mAP val 50|Speed CPU b1 (ms)|Speed V100 b1 (ms)|params (M)|FLOPs @640 (B)|
|---|---|---|---|---|---|---|---|
|n|640|28.0|45.7|45|6.3|1.9|4.5|
|s|640|37.4|56.8|98|6.4|7.2|16.5|
|m|640|45.4|64.1|224|8.2|21.2|49.0|
|x|640|50.7|68.9|766|12.1|86.7|205.7|
""",
        (("|37.4|56.8|", "|56.8|37.4|", 4),),
    ),
    Family(
        "box and mask AP",
        """\
| Backbone | Lr schd | box AP | box AP50 | box AP75 | mask AP | mask AP50 | mask AP75 |
| :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: |
| R-50 | 1x | 38.2 | 58.8 | 41.4 | 34.7 | 55.7 | 37.2 |
| R-101 | 1x | 40.0 | 60.5 | 44.0 | 36.1 | 57.5 | 38.6 |
""",
        (("| 36.1 | 57.5 |", "| 57.5 | 36.1 |", 4),),
    ),
    Family(
        "classification scores",
        """\
| Model | Params(M) | Flops(G) | Top-1 (%) | Top-5 (%) |
|:-:|:-:|:-:|:-:|:-:|
| net-18 | 11.69 | 1.82 | 69.90 | 89.43 |
| net-34 | 21.80 | 3.68 | 73.62 | 91.59 |
| net-50 | 25.56 | 4.12 | 76.55 | 93.06 |
""",
        (("| 73.62 | 91.59 |", "| 91.59 | 73.62 |", 4),),
    ),
    Family(
        "quantised accuracy with drop",
        """\
| Model | FP32 Top1 | INT8 Top1 | Drop |
|---|---|---|---|
| resnet50 | 76.13 | 75.90 | 0.23 |
| mobilenet_v2 | 71.88 | 70.95 | 0.93 |
| efficientnet_b0 | 77.69 | 76.60 | 1.09 |
| vgg16 | 71.59 | 71.40 | 0.19 |
""",
        (("| 0.93 |", "| 0.39 |", 4),),
    ),
    Family(
        "speed-up in Chinese",
        """\
## 训练性能

| 卡数 | 吞吐量(samples/s) | 加速比 |
| --- | --- | --- |
| 1 | 251.3 | 1.00 |
| 2 | 498.2 | 1.98 |
| 4 | 975.9 | 3.88 |
| 8 | 1900.4 | 7.56 |
""",
        (("| 3.88 |", "| 3.28 |", 7), ("| 7.56 |", "| 7.86 |", 8)),
    ),
    Family(
        "before and after in Chinese",
        """\
## 性能优化

| 模型 | 优化前(ms) | 优化后(ms) | 倍率 |
| --- | --- | --- | --- |
| 网络A | 12.40 | 6.20 | 2.00 |
| 网络B | 30.10 | 20.20 | 1.49 |
| 网络C | 45.50 | 18.20 | 2.50 |
| 网络D | 9.90 | 7.70 | 1.29 |
""",
        (("| 1.49 |", "| 1.94 |", 6),),
    ),
    Family(
        "ratio of two frameworks",
        """\
### Latency on CPU

| network | PyTorch (ms) | ONNX Runtime (ms) | PyTorch/ONNX Runtime |
| --- | --- | --- | --- |
| resnet18 | 24.20 | 12.10 | 2.00 |
| resnet50 | 60.50 | 27.50 | 2.20 |
| vit_b | 180.30 | 120.20 | 1.50 |
""",
        (("| 2.20 |", "| 3.20 |", 6),),
    ),
    Family(
        "share of time",
        """\
### Profile

| kernel | calls | total (ms) | share |
| --- | --- | --- | --- |
| conv | 120 | 61.2 | 61.2% |
| gemm | 12 | 20.4 | 20.4% |
| softmax | 12 | 10.2 | 10.2% |
| other | 300 | 8.2 | 8.2% |
| total | 444 | 100.0 | 100% |
""",
        (("| 20.4% |", "| 24.0% |", 6), ("| total | 444 |", "| total | 484 |", 9)),
    ),
    Family(
        "average row over tasks",
        """\
| run | GLUE | SQuAD | RACE |
| --- | --- | --- | --- |
| seed 1 | 84.1 | 88.5 | 66.0 |
| seed 2 | 84.5 | 88.7 | 66.6 |
| seed 3 | 83.9 | 88.9 | 65.7 |
| average | 84.2 | 88.7 | 66.1 |
""",
        (("| 84.2 | 88.7 | 66.1 |", "| 84.2 | 87.8 | 66.1 |", 6),),
    ),
    Family(
        "average column",
        """\
| method | art | clipart | product | real | Avg |
| --- | --- | --- | --- | --- | --- |
| base | 57.9 | 45.3 | 68.5 | 71.2 | 60.7 |
| ours | 62.4 | 50.1 | 73.3 | 75.0 | 65.2 |
| large | 66.0 | 53.3 | 76.8 | 79.1 | 68.8 |
""",
        (("| 65.2 |", "| 62.5 |", 4),),
    ),
    Family(
        "cards, batch and step time",
        """\
| Devices | Batch size | Step time (ms) | images/s |
| --- | --- | --- | --- |
| 1 | 256 | 128.0 | 2000 |
| 2 | 256 | 130.0 | 3938 |
| 4 | 256 | 133.5 | 7670 |
| 8 | 256 | 140.1 | 14618 |
""",
        (("| 7670 |", "| 3835 |", 5), ("| 130.0 |", "| 230.0 |", 4)),
    ),
    Family(
        "sideways table",
        """\
### Throughput of net

| | batch 1 | batch 8 | batch 16 |
| --- | --- | --- | --- |
| Throughput FP32 (img/s) | 120.5 | 410.2 | 455.5 |
| Throughput FP16 (img/s) | 240.1 | 981.4 | 1193.4 |
| Speedup | 1.99 | 2.39 | 2.62 |
""",
        (("| 2.39 |", "| 2.93 |", 7),),
    ),
    Family(
        "HTML with two header rows",
        """\
<table>
<thead>
<tr><th rowspan="2">Model</th><th colspan="2">Throughput (img/s)</th><th rowspan="2">Speedup</th></tr>
<tr><th>FP32</th><th>FP16</th></tr>
</thead>
<tbody>
<tr><td>net a</td><td>410.2</td><td>820.4</td><td>2.00</td></tr>
<tr><td>net b</td><td>120.5</td><td>301.3</td><td>2.50</td></tr>
<tr><td>net c</td><td>99.1</td><td>148.7</td><td>1.50</td></tr>
</tbody>
</table>
""",
        (("<td>2.50</td>", "<td>2.05</td>", 8),),
    ),
    Family(
        "improvement in per cent",
        """\
### Optimisation

| model | baseline (fps) | tuned (fps) | improvement |
| --- | --- | --- | --- |
| a | 100.0 | 120.0 | 20.0% |
| b | 250.4 | 275.5 | 10.0% |
| c | 81.2 | 121.8 | 50.0% |
| d | 60.3 | 63.3 | 5.0% |
""",
        (("| 10.0% |", "| 15.0% |", 6),),
    ),
    Family(
        "scaling efficiency",
        """\
| GPUs | images/sec | Scaling efficiency |
| --- | --- | --- |
| 1 | 386.0 | 100.0% |
| 2 | 756.6 | 98.0% |
| 4 | 1482.2 | 96.0% |
| 8 | 2872.0 | 93.0% |
""",
        (("| 96.0% |", "| 69.0% |", 5),),
    ),
    Family(
        "latency and fps of one stream",
        """\
| Model | Resolution | Latency (ms) | FPS |
| --- | --- | --- | --- |
| tiny | 320x320 | 2.50 | 400.0 |
| small | 416x416 | 5.10 | 196.1 |
| base | 640x640 | 12.40 | 80.6 |
| large | 640x640 | 24.90 | 40.2 |
""",
        (("| 80.6 |", "| 60.8 |", 5),),
    ),
    Family(
        "relative to the first row",
        """\
| Engine | Latency (ms) | Speedup vs eager |
| --- | --- | --- |
| eager | 40.0 | 1.0x |
| script | 32.0 | 1.25x |
| compile | 20.0 | 2.0x |
| TensorRT | 10.0 | 4.0x |
""",
        (("| 2.0x |", "| 2.5x |", 5),),
    ),
    Family(
        "difference in Chinese",
        """\
| 模型 | 官方精度 | NPU精度 | 差值 |
| --- | --- | --- | --- |
| 网络A | 76.13 | 76.01 | 0.12 |
| 网络B | 80.02 | 79.65 | 0.37 |
| 网络C | 69.75 | 69.40 | 0.35 |
""",
        (("| 0.37 |", "| 0.73 |", 4),),
    ),
]

FAMILIES += [
    Family(
        "strong scaling with and without a compiler",
        """\
| GPUs | Batch size / GPU | XLA | Throughput - TF32 (samples/s) | Throughput - mixed (samples/s) | Throughput speedup (TF32 - mixed) | Strong scaling - TF32 |
| --- | --- | --- | --- | --- | --- | --- |
| 1 | 131072 | Yes | 1600000.8 | 2304001.2 | 1.44 | 1.00 |
| 1 | 131072 | No | 1200000.5 | 1560000.6 | 1.30 | 1.00 |
| 8 | 16384 | Yes | 5280000.1 | 5755200.2 | 1.09 | 3.30 |
| 8 | 16384 | No | 3720000.9 | 3757200.4 | 1.01 | 3.10 |
""",
        (("| 3.30 |", "| 2.20 |", 5), ("| 1.30 |", "| 1.03 |", 4)),
    ),
    Family(
        "times in several units",
        """\
| 阶段 | 原始时间 | 优化后时间 | 加速比 |
| --- | --- | --- | --- |
| 读取 | 2小时 | 25分钟 | 4.8x |
| 训练 | 8小时 | 3小时 | 2.7x |
| 合计 | 10小时 | 3.4小时 | 2.9x |
""",
        (("| 2.7x |", "| 7.2x |", 4),),
    ),
]

FAMILIES += [
    Family(
        "timm results with underscores",
        """\
| model | img_size | top1 | top1_err | top5 | top5_err | param_count | crop_pct | interpolation |
|---|---|---|---|---|---|---|---|---|
| tf_efficientnet_l2_ns | 800 | 88.352 | 11.648 | 98.650 | 1.350 | 480.31 | 0.960 | bicubic |
| vit_large_r50_s32_384 | 384 | 84.420 | 15.580 | 97.340 | 2.660 | 329.09 | 1.000 | bicubic |
| resnet50 | 224 | 79.038 | 20.962 | 94.390 | 5.610 | 25.56 | 0.875 | bicubic |

| model | infer_samples_per_sec | infer_step_time | infer_batch_size | infer_img_size | param_count |
|---|---|---|---|---|---|
| tinynet_e | 68298.73 | 14.982 | 1024 | 106 | 2.04 |
| mobilenetv3_small_050 | 48773.32 | 20.985 | 1024 | 224 | 1.59 |
| lcnet_035 | 47045.94 | 21.755 | 1024 | 224 | 1.64 |
| resnet18 | 8264.10 | 123.908 | 1024 | 224 | 11.69 |
""",
        (
            ("| 84.420 |", "| 97.420 |", 4),
            ("| 48773.32 |", "| 84773.32 |", 10),
            ("| 123.908 |", "| 132.908 |", 12),
        ),
    ),
    Family(
        "formulas in LaTeX",
        r"""# 性能

310P 单卡吞吐率：$1000 \times 16 / 24.3536 = 656.99$ fps

加速比 $\frac{1316.24}{881.42} = 1.493$

吞吐率为 $35.9231 \times 4 = 143.6924$ fps

$$ \text{FPS} = \frac{1000}{6.42 / 4} = 623.05 $$
""",
        (
            ("656.99", "756.99", 3),
            ("= 1.493$", "= 1.943$", 5),
            ("143.6924", "134.6924", 7),
            ("623.05", "632.05", 9),
        ),
    ),
    Family(
        "signs spelt out",
        """\
# 性能

单卡吞吐率等于 35.9231 乘以 4 等于 143.6924 fps。

310P与T4之比：254 除以 141.5 等于 1.795。

254除以141.5约等于1.795，35.9231乘4等于143.6924。
""",
        (
            ("35.9231 乘以 4 等于 143.6924", "35.9231 乘以 4 等于 134.6924", 3),
            ("254 除以 141.5 等于 1.795", "254 除以 141.5 等于 1.975", 5),
            ("254除以141.5约等于1.795", "254除以141.5约等于1.579", 7),
            ("35.9231乘4等于143.6924", "35.9231乘4等于148.6924", 7),
        ),
    ),
    Family(
        "linearity over the cards of a header",
        """\
## 性能对比

| 模型 | 单卡吞吐(img/s) | 8卡吞吐(img/s) | 加速比 | 线性度 |
| --- | --- | --- | --- | --- |
| ResNet50 | 1250.3 | 9802.4 | 7.84 | 98.0% |
| VGG16 | 430.1 | 3303.2 | 7.68 | 96.0% |
| MobileNetV2 | 2210.5 | 16445.9 | 7.44 | 93.0% |
""",
        (
            ("| 7.68 |", "| 6.78 |", 6),
            ("| 93.0% |", "| 39.0% |", 7),
        ),
    ),
    Family(
        "accuracy against the official one",
        """\
| 模型 | 官方Top1 | 310P Top1 | 相对精度 |
|---|---|---|---|
| a | 76.13 | 75.98 | 99.80% |
| b | 80.30 | 80.01 | 99.64% |
| c | 69.75 | 69.60 | 99.78% |
""",
        (("| 99.64% |", "| 96.94% |", 4),),
    ),
    Family(
        "quotients that name parts of headers",
        """\
| 网络 | 参考精度 | 实测精度 | 实测/参考 | 310P fps | T4 fps | 310P/T4 |
|---|---|---|---|---|---|---|
| a | 76.13 | 76.05 | 99.89% | 1000.5 | 500.2 | 2.00 |
| b | 80.02 | 79.89 | 99.84% | 612.4 | 408.3 | 1.50 |
| c | 69.76 | 69.71 | 99.93% | 2050.0 | 820.0 | 2.50 |
""",
        (
            ("| 99.84% |", "| 98.84% |", 4),
            ("| 1.50 |", "| 1.05 |", 4),
        ),
    ),
    Family(
        "throughput per watt",
        """\
| Device | Power (W) | FPS | FPS/W |
|---|---|---|---|
| A | 70.0 | 700.0 | 10.0 |
| B | 15.0 | 180.0 | 12.0 |
| C | 250.0 | 1750.0 | 7.0 |
""",
        (("| 12.0 |", "| 21.0 |", 4),),
    ),
    Family(
        "efficiency against the ideal",
        """\
| Nodes | GPUs | Images/sec | Ideal | Efficiency |
|---|---|---|---|---|
| 1 | 8 | 6000.0 | 6000.0 | 100.0% |
| 2 | 16 | 11640.0 | 12000.0 | 97.0% |
| 4 | 32 | 22560.0 | 24000.0 | 94.0% |
| 8 | 64 | 43200.0 | 48000.0 | 90.0% |
""",
        (
            ("| 94.0% |", "| 49.0% |", 5),
            ("| 97.0% |", "| 79.0% |", 4),
        ),
    ),
    Family(
        "percentiles as rows",
        """\
| Percentile | Latency (ms) |
|---|---|
| p50 | 4.1 |
| p90 | 5.2 |
| p95 | 5.8 |
| p99 | 7.7 |
""",
        (("| p95 | 5.8 |", "| p95 | 8.5 |", 5),),
    ),
    Family(
        "minimum and mean without percentiles",
        """\
| Model | Min (ms) | Mean (ms) | Max (ms) |
|---|---|---|---|
| a | 2.10 | 2.35 | 4.90 |
| b | 5.01 | 5.33 | 8.00 |
""",
        (("| 5.01 | 5.33 |", "| 5.51 | 5.33 |", 4),),
    ),
    Family(
        "a total that the shares give away",
        """\
| 阶段 | 耗时(ms) | 占比 |
|---|---|---|
| 预处理 | 2.5 | 20.0% |
| 推理 | 8.75 | 70.0% |
| 后处理 | 1.25 | 10.0% |
| 总计 | 12.5 | 100% |
""",
        (
            ("| 70.0% |", "| 77.0% |", 4),
            ("| 总计 | 12.5", "| 总计 | 15.2", 6),
        ),
    ),
    Family(
        "latency that drifts from the batch",
        """\
###### FP32 Inference Latency

|**Batch Size**|**Throughput Avg**|**Latency Avg**|**Latency 95%**|**Latency 99%**|
|:--:|:--:|:--:|:--:|:--:|
| 1 | 96 img/s | 10.37 ms | 10.81 ms | 11.73 ms |
| 2 | 196 img/s | 10.24 ms | 11.18 ms | 12.89 ms |
| 4 | 386 img/s | 10.46 ms | 11.01 ms | 11.75 ms |
| 8 | 709 img/s | 11.5 ms | 12.36 ms | 13.12 ms |
| 16 | 1023 img/s | 16.07 ms | 15.69 ms | 15.97 ms |
| 32 | 1127 img/s | 29.37 ms | 28.53 ms | 28.67 ms |
| 64 | 1200 img/s | 55.4 ms | 53.5 ms | 53.71 ms |
| 128 | 1229 img/s | 109.26 ms | 104.04 ms | 104.34 ms |
| 256 | 1261 img/s | 214.48 ms | 202.51 ms | 202.88 ms |
""",
        (("| 386 img/s |", "| 836 img/s |", 7),),
    ),
    Family(
        "operands with more digits in prose",
        """\
# 性能

### 7.1 310P性能数据

batch1 310P单卡吞吐率：229.4873fps

batch8 310P单卡吞吐率：612.3381fps

### 7.2 T4性能数据

batch1 T4单卡吞吐率：33.0127fps

batch8 T4单卡吞吐率：101.9934fps

### 7.3 性能对比

| batch | 310P | T4 | 310P/T4 |
|---|---|---|---|
| 1 | 229 | 33 | 6.95 |
| 8 | 612 | 102 | 6.00 |
""",
        (("| 6.95 |", "| 6.91 |", 19),),
    ),
    Family(
        "best batch in English",
        """\
# Performance

| Batch size | 310P throughput (fps) | T4 throughput (fps) | Ratio |
|---|---|---|---|
| 1 | 300.1 | 150.2 | 2.00 |
| 4 | 622.3 | 240.5 | 2.59 |
| 8 | 801.4 | 287.6 | 2.79 |
| 16 | 780.5 | 305.2 | 2.56 |

The 310P performs best at batch size 8 with 801.4 fps. The best batch size of the T4 is 16.

At its best batch, the 310P is 2.63x as fast as the T4.
""",
        (
            ("performs best at batch size 8", "performs best at batch size 16", 10),
            ("best batch size of the T4 is 16", "best batch size of the T4 is 8", 10),
            ("is 2.63x as fast", "is 3.62x as fast", 12),
            ("| 2.79 |", "| 2.97 |", 7),
        ),
    ),
    Family(
        "two results of one quoted run",
        """\
# T4 performance

batch16:

```
[09/01/2022-10:11:12] [I] === Performance summary ===
[09/01/2022-10:11:12] [I] Throughput: 84.7013 qps
[09/01/2022-10:11:12] [I] Latency: min = 11.5 ms, max = 13.9 ms, mean = 12.0125 ms, median = 11.98 ms, percentile(99%) = 13.1 ms
[09/01/2022-10:11:12] [I] Enqueue Time: min = 0.21 ms, max = 1.9 ms, mean = 0.412 ms, median = 0.39 ms, percentile(99%) = 0.9 ms
[09/01/2022-10:11:12] [I] H2D Latency: min = 0.7 ms, max = 0.9 ms, mean = 0.78 ms, median = 0.77 ms, percentile(99%) = 0.88 ms
[09/01/2022-10:11:12] [I] GPU Compute Time: min = 10.6 ms, max = 12.7 ms, mean = 11.2225 ms, median = 11.18 ms, percentile(99%) = 12.3 ms
[09/01/2022-10:11:12] [I] D2H Latency: min = 0.008 ms, max = 0.02 ms, mean = 0.01 ms, median = 0.01 ms, percentile(99%) = 0.015 ms
[09/01/2022-10:11:12] [I] Total Host Walltime: 3.01 s
[09/01/2022-10:11:12] [I] Total GPU Compute Time: 2.86 s
```

batch16 T4单卡吞吐率：84.7013*16=1355.221fps

batch16 t4吞吐率：1000/(11.2225/16)=1425.707fps
""",
        (
            ("=1355.221fps", "=1555.221fps", 17),
            ("=1425.707", "=1245.707", 19),
        ),
    ),
    Family(
        "accuracy and relative change by a formula in the header",
        """\
| Model | INT8 Acc | FP32 Acc | Accuracy Ratio [(INT8-FP32)/FP32] | INT8 throughput | FP32 throughput | Performance Ratio [INT8/FP32] |
| --- | --- | --- | --- | --- | --- | --- |
| resnet50 | 74.11% | 74.27% | -0.22% | 1732.92 | 578.88 | 2.99x |
| inception v3 | 76.67% | 76.75% | -0.10% | 920.62 | 368.89 | 2.50x |
| mobilenet v1 | 71.79% | 70.96% | 1.17% | 3603.94 | 1304.58 | 2.76x |
| vgg16 | 72.63% | 70.89% | 2.45% | 1515.87 | 218.96 | 6.92x |
""",
        (("| 1.17% |", "| 1.71% |", 5), ("| 6.92x |", "| 9.62x |", 6)),
    ),
    Family(
        "one ratio for two spanned groups",
        """\
<table>
<tr><th rowspan=2>Model</th><th colspan=2>A100</th><th colspan=2>H100</th><th rowspan=2>H100 / A100</th></tr>
<tr><th>bs=1</th><th>bs=32</th><th>bs=1</th><th>bs=32</th></tr>
<tr><td>ViT-B/16</td><td>412.3</td><td>2190.7</td><td>655.2</td><td>4012.9</td><td>1.83x</td></tr>
<tr><td>ViT-L/16</td><td>198.0</td><td>731.4</td><td>301.5</td><td>1390.2</td><td>1.90x</td></tr>
<tr><td>ViT-H/14</td><td>98.1</td><td>310.6</td><td>160.9</td><td>652.3</td><td>2.10x</td></tr>
</table>
""",
        (("<td>2.10x</td>", "<td>1.20x</td>", 6),),
    ),
    Family(
        "geometric mean, footnotes and a base without number",
        """\
| Backend | ResNet (ms) | Speedup |
| --- | --- | --- |
| eager | 40.0<sup>1</sup> | - |
| compile | 32.0 | 1.25x |
| OpenVINO | 20.0<sup>2</sup> | 2.00x |
| TensorRT | 10.0 | 4.00x |
| geomean | | 2.15x |
""",
        (("| 2.15x |", "| 2.45x |", 7),),
    ),
    Family(
        "ablation, each line against the one above",
        """\
| Setting | Top-1 | gain |
| --- | --- | --- |
| baseline | 76.10 | |
| + mixup | 76.91 | +0.81 |
| + EMA | 77.22 | +0.31 |
| + cutmix | 78.33 | +1.11 |
""",
        (("| +0.31 |", "| +0.51 |", 5),),
    ),
    Family(
        "table with drawn rules",
        """\
+--------+-----------+-----------+---------+
| Model  | FP32 (ms) | INT8 (ms) | Speedup |
+========+===========+===========+=========+
| net a  | 20.00     | 10.00     | 2.00x   |
+--------+-----------+-----------+---------+
| net b  | 33.00     | 11.00     | 3.00x   |
+--------+-----------+-----------+---------+
| net c  | 9.00      | 6.00      | 1.50x   |
+--------+-----------+-----------+---------+
""",
        (("| 3.00x", "| 2.00x", 6),),
    ),
    Family(
        "a row that compares the rows above",
        """\
Latency (ms)

| Backend | resnet18 | resnet50 | vit |
| --- | --- | --- | --- |
| PyTorch | 20.4 | 41.2 | 60.6 |
| TensorRT | 10.2 | 15.9 | 30.3 |
| Speedup | 2.00x | 2.59x | 2.00x |
""",
        (("| 2.59x |", "| 2.95x |", 7),),
    ),
    Family(
        "counts as pairs of name and value",
        """\
| metric | value |
| --- | --- |
| images | 5000 |
| correct | 3842 |
| accuracy | 76.84% |
""",
        (("76.84%", "78.64%", 5),),
    ),
]

#: Tables in which a rule could see an error that is none.
RIGHT = {
    "average of ratios": """\
| | fp32 (ms) | int8 (ms) | speedup |
| --- | --- | --- | --- |
| Pi 4 | 143.2 | 61.9 | 2.31x |
| Jetson | 21.4 | 14.1 | 1.52x |
| **average** | 82.3 | 38.0 | 1.92x |
""",
    "changes of several metrics": """\
| | Before | After | Improvement |
| --- | --- | --- | --- |
| Latency (ms) | 46.0 | 20.0 | 2.30x |
| Memory (MB) | 1024 | 640 | 1.6x |
| FPS | 21.7 | 50.0 | 2.30x |
""",
    "differences of scores": """\
| model | top1 | top1_err | top5 | top5_err | top1_diff | top5_diff | rank_diff |
| --- | --- | --- | --- | --- | --- | --- | --- |
| a | 90.052 | 9.948 | 99.048 | 0.952 | -2.657 | -1.329 | 1 |
| b | 88.612 | 11.388 | 98.704 | 1.296 | 0.666 | 0.333 | -2 |
""",
    "times in the units of their cells": """\
| Op | Mean | p50 | p99 |
| --- | --- | --- | --- |
| load | 1.2 s | 1.1 s | 1.9 s |
| infer | 850 µs | 840 µs | 1.1 ms |
""",
    "changes of other things than what follows": """\
Accuracy went from 76.1% to 75.9%, a 0.2% drop. Memory fell from 8 GB to 5 GB with a 0.3% loss of accuracy.
Going from batch size 1 to 32, throughput rises 12x; resolution is raised from 224 to 384, 3x more FLOPs.
Throughput increases from 500 img/s to 1500 img/s (+200%), and it is 1.5x faster (30 ms to 20 ms).
精度从70%提升到77%，提升10%。训练时间从36小时减少到12小时，加速3倍。
""",
    "throughput of several streams": """\
| Streams | Latency (ms) | Throughput (FPS) |
| --- | --- | --- |
| 1 | 10.0 | 99.0 |
| 2 | 14.0 | 140.0 |
| 4 | 26.0 | 152.0 |
| 8 | 51.0 | 155.0 |
""",
    "accuracy of several metrics": """\
| Method | Top1 | mIoU | F1 | AP |
| --- | --- | --- | --- | --- |
| a | 76.1 | 44.2 | 81.0 | 33.0 |
| b | 78.0 | 45.5 | 82.1 | 35.5 |
""",
    "top errors": """\
| Network | Top-1 error | Top-5 error |
| --- | --- | --- |
| AlexNet | 43.45 | 20.91 |
| VGG-16 | 28.41 | 9.62 |
""",
    "weighted average": """\
| class | images | AP |
| --- | --- | --- |
| car | 5000 | 71.2 |
| person | 1000 | 55.1 |
| average | 3000 | 68.5 |
""",
    "integer operands": "| batch | 310P | T4 | 310P/T4 |\n| --- | --- | --- | --- |\n| 1 | 229 | 33 | 6.95 |\n",
    "per cent of per cent": "精度：84.67%/85.27%=99.30%\n\n84.67/85.27 = 99.30%\n",
    "ratios of things not in the table": """\
| Model | Params (M) | FLOPs (G) | Speedup |
| --- | --- | --- | --- |
| a | 25.6 | 4.1 | 1.0x |
| b | 12.3 | 2.2 | 1.7x |
| c | 6.0 | 1.0 | 2.9x |
""",
    "image sizes and compression": """\
| Model | Size (MB) | Pruned size (MB) | Compression ratio | Top1 |
| --- | --- | --- | --- | --- |
| a | 97.8 | 32.6 | 3.0x | 75.1 |
| b | 44.7 | 14.9 | 3.0x | 69.0 |
| c | 13.6 | 6.8 | 2.0x | 71.2 |
""",
    "learning rates and epochs": """\
| config | lr | epochs | top1 | improvement |
| --- | --- | --- | --- | --- |
| a | 0.1 | 90 | 76.1 | - |
| b | 0.2 | 100 | 76.4 | 0.3 |
| c | 0.5 | 300 | 77.9 | 1.8 |
""",
    "two models of one name": """\
| Model | FPS | FPS |
| --- | --- | --- |
| a | n/a | n/a |
""",
    "hidden configurations": """\
| GPUs | Batch/GPU | Throughput (img/s) | Speedup |
| --- | --- | --- | --- |
| 8 | 32 | 2300.5 | 1.00 |
| 16 | 32 | 4410.1 | 1.92 |
| 32 | 32 | 8600.0 | 3.74 |
""",
    "training time speed-up": """\
| GPUs | Time to train FP32 (h) | Time to train mixed (h) | Time to train speedup |
| --- | --- | --- | --- |
| 1 | 36.0 | 14.0 | 2.57 |
| 8 | 5.0 | 2.5 | 2.00 |
""",
    "relative latency": """\
| Library | Median latency (milliseconds) | Operations per second | Relative (latency) |
| --- | --- | --- | --- |
| a | 0.5 | 1994 | 1.0 |
| b | 2.2 | 455 | 4.2 |
""",
    "latency per step": """\
| 方法 | 延迟 | 加速比 |
| --- | --- | --- |
| 同步 | 45.8 ms | 1.0x |
| 优化 | 29.2 ms | 1.57x |
| 融合 | 26.7 ms | 1.72x |
| 异步 | 22.1 ms/step | 2.43x |
""",
    "median above mean": """\
| Model | Mean (ms) | Median (ms) | p99 (ms) |
| --- | --- | --- | --- |
| a | 5.01 | 5.10 | 6.00 |
""",
    "total that is no sum": """\
| stage | mAP | time (ms) |
| --- | --- | --- |
| detector | 40.1 | 21.5 |
| tracker | 38.2 | 4.1 |
| total | 39.0 | 25.6 |
""",
}
