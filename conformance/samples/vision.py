"""Resampling, shuffling, unpooling and bags of embeddings."""

from __future__ import annotations

from collections.abc import Iterator

from hotplug.conformance.draw import Draw, Operand, Sample
from hotplug.conformance.samples.registry import samples


@samples("interpolate", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 5), 8)
    yield Sample(draw(1, 2, 4, 5), scale_factor=2.0)
    yield Sample(draw(1, 2, 4, 5), (3, 8), mode="nearest-exact")
    yield Sample(draw(1, 2, 5), 8, mode="linear")
    yield Sample(draw(1, 2, 4, 5), (7, 3), mode="bilinear")
    yield Sample(draw(1, 2, 4, 5), (7, 3), mode="bilinear", align_corners=True)
    yield Sample(draw(1, 2, 8, 9), (3, 4), mode="bilinear", antialias=True)
    yield Sample(draw(1, 2, 4, 5), scale_factor=(1.5, 0.5), mode="bicubic")
    yield Sample(draw(1, 2, 8, 9), (3, 4), mode="bicubic", antialias=True)
    yield Sample(draw(1, 1, 3, 2, 3), (4, 4, 2), mode="trilinear")
    yield Sample(draw(1, 2, 7, 6), (3, 4), mode="area")


@samples("upsample", "upsample_nearest", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(1, 2, 4, 5), scale_factor=2)
    yield Sample(draw(1, 2, 4, 5), (7, 3))


@samples("upsample_bilinear", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(1, 2, 4, 5), (7, 3))
    yield Sample(draw(1, 2, 4, 5), scale_factor=1.5)


def _places(draw: Draw, *shape: int) -> Operand:
    return draw(*shape, low=-1.4, high=1.4)


@samples("grid_sample", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    for padding in ("zeros", "border", "reflection"):
        yield Sample(draw(1, 2, 5, 4), _places(draw, 1, 3, 3, 2), "bilinear", padding, False)
        yield Sample(draw(1, 2, 5, 4), _places(draw, 1, 2, 3, 2), "bicubic", padding, True)
        yield Sample(draw(1, 2, 5, 4), _places(draw, 1, 2, 3, 2), "nearest", padding, False)
    yield Sample(draw(2, 1, 3, 4, 3), _places(draw, 2, 2, 1, 3, 3), "bilinear", "zeros", True)


@samples("affine_grid", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 2, 3), (2, 3, 4, 5), False)
    yield Sample(draw(1, 3, 4), (1, 2, 2, 3, 1), True)


@samples("pixel_shuffle")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 8, 3, 2), 2)


@samples("pixel_unshuffle")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 1, 4, 6), 2)


@samples("channel_shuffle")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 6, 3, 2), 3)


def _unpooling(draw: Draw, *sizes: int) -> Iterator[Sample]:
    """Indices that name no place twice, as a pooling without overlap gives them."""
    rank = len(sizes)
    small = tuple(size // 2 for size in sizes)
    places = [0]
    for size, few in zip(sizes, small, strict=True):
        places = [place * size + 2 * at + at % 2 for place in places for at in range(few)]
    index = draw.of([[places, places]], "int64").values.reshape(1, 2, *small)
    yield Sample(draw(1, 2, *small), Operand(index, "int64"), 2)
    yield Sample(draw(1, 2, *small), Operand(index, "int64"), 2, output_size=tuple(2 * few + 1 for few in small)[:rank])


@samples("max_unpool1d", kinds="f", layouts=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield from _unpooling(draw, 8)


@samples("max_unpool2d", kinds="f", layouts=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield from _unpooling(draw, 6, 4)


@samples("max_unpool3d", kinds="f", layouts=False)
def _(draw: Draw) -> Iterator[Sample]:
    yield from _unpooling(draw, 4, 4, 2)


@samples("lp_pool1d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 3, 7, low=0.5), 2, 3)
    yield Sample(draw(2, 3, 7, low=0.5), 1.5, 2, 1, True)


@samples("lp_pool2d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(1, 2, 6, 5, low=0.5), 2.0, (2, 3), ceil_mode=True)
    yield Sample(draw(2, 6, 5, low=0.5), 3.0, 2, (1, 2))


@samples("lp_pool3d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(1, 2, 4, 3, 4, low=0.5), 3, 2)
    yield Sample(draw(1, 2, 4, 3, 4, low=0.5), 2, 2, (1, 2, 3), True)


@samples("local_response_norm", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw(2, 6, 3, 2), 3)
    yield Sample(draw(2, 5, 4), 2, 0.3, 0.5, 2.0)


@samples("embedding_bag", kinds="f", layouts=False)
def _(draw: Draw) -> Iterator[Sample]:
    index, offsets = draw.index(5, 7), draw.of([0, 3, 3, 5], "int64")
    for mode in ("sum", "mean", "max"):
        yield Sample(index, draw.spread(5, 3), offsets, mode=mode)
        yield Sample(draw.index(5, 2, 3), draw.spread(5, 3), mode=mode, padding_idx=2)
    yield Sample(index, draw(5, 3), offsets, mode="sum", per_sample_weights=draw(7))
    yield Sample(index, draw.spread(5, 3), draw.of([0, 3, 5, 7], "int64"), include_last_offset=True)


@samples("fractional_max_pool2d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.spread(2, 2, 6, 7), 2, (3, 4), _random_samples=draw(2, 2, 2, low=0.1, high=0.9).constant())
    yield Sample(
        draw.spread(2, 6, 7), (3, 2), output_ratio=(0.5, 0.7), return_indices=True,
        _random_samples=draw(1, 2, 2, low=0.1, high=0.9).constant(),
    )  # fmt: skip


@samples("fractional_max_pool3d", kinds="f")
def _(draw: Draw) -> Iterator[Sample]:
    yield Sample(draw.spread(1, 2, 5, 4, 6), 2, (2, 1, 3), _random_samples=draw(1, 2, 3, low=0.1, high=0.9).constant())
    yield Sample(
        draw.spread(2, 5, 4, 6), (2, 1, 2), output_ratio=(0.5, 0.5, 0.4), return_indices=True,
        _random_samples=draw(1, 2, 3, low=0.1, high=0.9).constant(),
    )  # fmt: skip
