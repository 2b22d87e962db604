"""Image: colour modes both ways, and what is no picture."""

from typing import Any

import numpy as np
import pytest

import mmf_core as mmf
from mmf_core.codecs import Format
from mmf_core.errors import DescriptorError, InvalidValue

RED, GREEN, BLUE = [255, 0, 0], [0, 255, 0], [0, 0, 255]
PICTURE = np.array([[RED, GREEN, BLUE], [[10, 20, 30], [255] * 3, [0] * 3]], dtype=np.uint8)


def test_rgb_is_the_default_and_passes_as_it_is() -> None:
    for image in (mmf.Image(), mmf.Img(format="rgb")):
        assert image.color is mmf.ColorMode.RGB
        assert np.array_equal(image.validate(PICTURE), PICTURE)
        assert np.array_equal(image.to_output(PICTURE), PICTURE)


@pytest.mark.parametrize(
    "image", [mmf.Image(format="bgr"), mmf.Image(color="bgr"), mmf.Image(color=mmf.ColorMode.BGR)]
)
def test_bgr_is_turned_both_ways(image: mmf.Image) -> None:
    pixels = image.validate(PICTURE)
    assert pixels[0, 0].tolist() == BLUE
    assert pixels[1, 0].tolist() == [30, 20, 10]
    assert pixels.flags.c_contiguous
    assert np.array_equal(image.to_output(pixels), PICTURE)


def test_gray_has_two_dimensions_and_the_usual_weights() -> None:
    gray = mmf.Image(format=mmf.ColorMode.GRAY).validate(PICTURE)
    assert gray.dtype == np.uint8
    assert gray.tolist() == [[76, 150, 29], [18, 255, 0]]


def test_gray_agrees_with_pillow_within_one() -> None:
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    theirs = np.asarray(Image.fromarray(noise).convert("L")).astype(int)
    assert np.abs(mmf.Image(format="gray").validate(noise) - theirs).max() <= 1


@pytest.mark.parametrize("mode", list(mmf.ColorMode))
def test_a_gray_result_is_answered_in_any_mode(mode: mmf.ColorMode) -> None:
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
def test_a_result_that_is_no_picture_is_refused(result: Any) -> None:
    with pytest.raises(InvalidValue, match="uint8"):
        mmf.Image().to_output(result)


def test_a_result_of_floats_is_refused_with_a_remedy() -> None:
    with pytest.raises(InvalidValue, match=r"float64 of shape \(2, 3, 3\); .*\* 255"):
        mmf.Image().to_output(PICTURE / 255)


@pytest.mark.parametrize("out_format", ["jpg", "jpeg", mmf.ImageFormat.JPG])
def test_the_kind_of_file_is_out_format(out_format: object) -> None:
    image = mmf.Image(format="bgr", out_format=out_format)
    assert image.output_format is Format.JPEG
    assert image.color is mmf.ColorMode.BGR


@pytest.mark.parametrize("mode", ["cmyk", "jpg", 5])
def test_an_unknown_colour_mode_is_refused_with_the_known(mode: Any) -> None:
    for keyword in ("format", "color"):
        with pytest.raises(DescriptorError, match="rgb, bgr, gray"):
            mmf.Image(**{keyword: mode})


def test_a_file_format_is_no_colour_mode() -> None:
    with pytest.raises(DescriptorError, match="out_format"):
        mmf.Image(format=mmf.ImageFormat.PNG)


def test_a_picture_cannot_be_answered_as_a_table() -> None:
    with pytest.raises(DescriptorError, match="png"):
        mmf.Image(out_format=mmf.XLSX)


def test_meta_has_the_colour_mode() -> None:
    assert mmf.Image(format="gray", out_format="jpg").meta()["color"] == "gray"
    assert mmf.Image().meta()["class_name"] == "Image"
