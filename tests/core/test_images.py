"""Image: color modes both ways, and invalid images."""

from typing import Any

import numpy as np
import pytest

import mmf_core as mmf
from mmf_core.codecs import Format
from mmf_core.errors import DescriptorError, InvalidValue

RED, GREEN, BLUE = [255, 0, 0], [0, 255, 0], [0, 0, 255]
PICTURE = np.array([[RED, GREEN, BLUE], [[10, 20, 30], [255] * 3, [0] * 3]], dtype=np.uint8)


def test_rgb_is_the_default() -> None:
    for image in (mmf.Image(), mmf.Img(format="rgb")):
        assert image.color is mmf.ColorMode.RGB
        assert np.array_equal(image.validate(PICTURE), PICTURE)
        assert np.array_equal(image.to_output(PICTURE), PICTURE)


@pytest.mark.parametrize(
    "image", [mmf.Image(format="bgr"), mmf.Image(color="bgr"), mmf.Image(color=mmf.ColorMode.BGR)]
)
def test_bgr_is_converted_both_ways(image: mmf.Image) -> None:
    pixels = image.validate(PICTURE)
    assert pixels[0, 0].tolist() == BLUE
    assert pixels[1, 0].tolist() == [30, 20, 10]
    assert pixels.flags.c_contiguous
    assert np.array_equal(image.to_output(pixels), PICTURE)


def test_gray_conversion() -> None:
    gray = mmf.Image(format=mmf.ColorMode.GRAY).validate(PICTURE)
    assert gray.dtype == np.uint8
    assert gray.tolist() == [[76, 150, 29], [18, 255, 0]]


def test_gray_agrees_with_pillow() -> None:
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    theirs = np.asarray(Image.fromarray(noise).convert("L")).astype(int)
    assert np.abs(mmf.Image(format="gray").validate(noise) - theirs).max() <= 1


@pytest.mark.parametrize("mode", list(mmf.ColorMode))
def test_gray_result_is_accepted_in_any_mode(mode: mmf.ColorMode) -> None:
    gray = np.array([[1, 2], [3, 4]], dtype=np.uint8)
    assert np.array_equal(mmf.Image(color=mode).to_output(gray), gray)


@pytest.mark.parametrize(
    "result",
    [
        PICTURE.astype(float),
        PICTURE.astype(int),
        PICTURE[:, :, :2],
        np.zeros((2, 2, 4), dtype=np.uint8),
        np.zeros(3, dtype=np.uint8),
        np.zeros((0, 2, 3), dtype=np.uint8),
        "text",
        None,
    ],
)
def test_rejects_result_that_is_not_an_image(result: Any) -> None:
    with pytest.raises(InvalidValue, match="uint8"):
        mmf.Image().to_output(result)


def test_float_result_error_suggests_scaling() -> None:
    with pytest.raises(InvalidValue, match=r"float64 of shape \(2, 3, 3\); .*\* 255"):
        mmf.Image().to_output(PICTURE / 255)


@pytest.mark.parametrize("out_format", ["jpg", "jpeg", mmf.ImageFormat.JPG])
def test_out_format_is_the_file_format(out_format: object) -> None:
    image = mmf.Image(format="bgr", out_format=out_format)
    assert image.output_format is Format.JPEG
    assert image.color is mmf.ColorMode.BGR


@pytest.mark.parametrize("mode", ["cmyk", "jpg", 5])
def test_unknown_color_mode_error_lists_known_ones(mode: Any) -> None:
    for keyword in ("format", "color"):
        with pytest.raises(DescriptorError, match="rgb, bgr, gray"):
            mmf.Image(**{keyword: mode})


def test_rejects_file_format_as_color_mode() -> None:
    with pytest.raises(DescriptorError, match="out_format"):
        mmf.Image(format=mmf.ImageFormat.PNG)


def test_rejects_table_format_for_images() -> None:
    with pytest.raises(DescriptorError, match="png"):
        mmf.Image(out_format=mmf.XLSX)


def test_meta_has_the_color_mode() -> None:
    assert mmf.Image(format="gray", out_format="jpg").meta()["color"] == "gray"
    assert mmf.Image().meta()["class_name"] == "Image"
