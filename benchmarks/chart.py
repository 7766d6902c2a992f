"""A bar chart of ratios."""

from __future__ import annotations

from pathlib import Path


def draw(path: Path, ratios: dict[str, tuple[float, float]]) -> None:
    """Ratios to PyTorch's time as horizontal bars on a logarithmic axis, with their targets as marks.

    Args:
        path: of the PNG.
        ratios: by workload, the ratio and its target (0: none).
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    names = list(ratios)[::-1]
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.22 * len(names)), layout="constrained")
    values = [ratios[name][0] for name in names]
    axes.barh(names, [value - 1 for value in values], left=1, color=["#4a7" if v <= 1 else "#c75" for v in values])
    for row, name in enumerate(names):
        if ratios[name][1]:
            axes.plot([ratios[name][1]] * 2, [row - 0.45, row + 0.45], color="black", linewidth=1.5)
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("time over PyTorch's: left is faster; the mark is the target")
    axes.tick_params(axis="y", labelsize=7)
    axes.set_ylim(-0.7, len(names) - 0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)
