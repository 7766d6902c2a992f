"""The samples of every op: the one place where functions get their arguments for all tests.

A module of this package holds recipes.  A recipe is a generator of :class:`~hotplug.conformance.draw.Sample` for one op
or several that take the same arguments::

    @samples("conv2d", kinds="f")
    def _(draw: Draw) -> Iterator[Sample]:
        yield Sample(draw(2, 4, 5, 5), draw(6, 2, 3, 3), draw(6), padding=1, groups=2)

Elementwise ops need none: their operands are drawn from the range in their declaration.
"""

from hotplug.conformance.samples.registry import Recipe, all_recipes, kinds_of, recipe_of, samples, samples_of

__all__ = ["Recipe", "all_recipes", "kinds_of", "recipe_of", "samples", "samples_of"]
