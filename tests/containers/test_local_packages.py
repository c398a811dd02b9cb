"""Which packages of this environment stand in for an image."""

from __future__ import annotations

import pytest

from kit.containers.local import LocalRunner, _stand_in
from kit.errors import EngineError, MissingError


def test_an_image_has_the_packages_of_its_base() -> None:
    assert set(_stand_in("runtime")) == {"numpy", "onnxruntime", "opencv-python-headless", "orjson", "pillow"}
    assert set(_stand_in("openvino")) == {*_stand_in("runtime"), "openvino"}
    assert {"torch", "timm", "onnx"} <= set(_stand_in("exporter"))
    assert set(_stand_in("torch")) == set(_stand_in("torch-cuda")) == set(_stand_in("exporter"))


def test_a_provider_takes_the_place_of_the_package_for_the_cpu() -> None:
    expected = {*_stand_in("runtime"), "onnxruntime-openvino"} - {"onnxruntime"}
    assert set(_stand_in("onnxruntime-openvino")) == expected
    with pytest.raises(MissingError) as caught:
        LocalRunner().image_id("onnxruntime-cann")
    assert "pip install onnxruntime-cann" in caught.value.remedy


@pytest.mark.parametrize("image", ["ascend", "tensorrt", "nothing"])
def test_a_vendor_image_has_no_stand_in(image: str) -> None:
    assert _stand_in(image) == []
    with pytest.raises(EngineError, match="KIT_TOOLS does not say"):
        LocalRunner().image_id(image)
