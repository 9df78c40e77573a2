"""Place labels beside points so that they hide neither each other nor what is around them."""

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from ptychopareto.pictures.style import QUIET

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Directions of a label from its point, the best first: a front rises to the right, so that above it
# to the left there is nothing.
DIRECTIONS = (
    *((-1, 1), (-1, 2), (-2, 1), (0, 1), (-1, 0), (1, 2)),
    *((1, -1), (0, -1), (1, 0), (1, 1), (-1, -1), (2, -1)),
)
DISTANCES = (6, 9, 13, 17, 22, 27, 33, 39, 46, 54, 62, 71, 80)  # pt
PLACES = tuple(product(DISTANCES, DIRECTIONS))
ROUNDS = 3  # from the second round on, each label knows where the others want to be

FONT_SIZE = 6.5  # pt
LINE = 8.0  # pt between the names of two lines
NEAR = 9  # pt: a label further away is joined to its point by a line
MARGIN = 1.0  # pt to be left free around a label
HALO = 3.0  # pt, the radius of what a label should not hide
APART = 9.0  # pt: a label closer to another labelled point would seem to belong to that
SPACING = 4.0  # pt between the points that stand for a line

HORIZONTAL = {-1: "right", 0: "center", 1: "left"}
VERTICAL = {-1: "top", 0: "center", 1: "bottom"}


def label_points(
    figure: Figure,
    axes: Axes,
    points: Array,
    texts: Sequence[str],
    markers: Array,
    lines: Sequence[Array] = (),
) -> None:
    """Write a label beside each point, with a thin line between them where they are not close.

    Call it last: it fixes the layout of the figure.

    Parameters
    ----------
    figure : Figure
        The whole figure.
    axes : Axes
        The axes to write in.
    points : (n, 2) float64
        The points, in data coordinates.
    texts : sequence of str
        n labels.
    markers : (m, 2) float64
        Markers that labels should not hide, in data coordinates.
    lines : sequence of float64 array, optional
        Corners (k, 2) of lines that labels should not hide, in data coordinates.
    """
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    pt = 72 / figure.dpi

    def to_pt(data: Array) -> Array:
        return np.asarray(axes.transData.transform(data)) * pt

    extents = [
        Text(0, 0, text, fontsize=FONT_SIZE, figure=figure).get_window_extent(renderer).size
        for text in texts
    ]
    obstacles = np.concatenate([to_pt(markers), *(_sampled(to_pt(line)) for line in lines)])
    frame = np.array(axes.get_window_extent(renderer).extents) * pt
    places = _place(to_pt(points), np.array(extents) * pt, obstacles, frame)
    for text, point, (distance, direction) in zip(texts, points, places, strict=True):
        side = np.sign(direction)
        line = {"arrowstyle": "-", "color": QUIET, "linewidth": 0.5, "shrinkA": 0, "shrinkB": HALO}
        axes.annotate(
            text,
            tuple(point),
            tuple(distance * _unit(direction)),
            textcoords="offset points",
            fontsize=FONT_SIZE,
            horizontalalignment=HORIZONTAL[side[0]],
            verticalalignment=VERTICAL[side[1]],
            arrowprops={**line, "relpos": tuple((1 - side) / 2)} if distance > NEAR else None,
            zorder=6,
        )


def label_ends(
    figure: Figure, places: Sequence[tuple[Axes, Array, Sequence[str], Sequence[str]]]
) -> None:
    """Name lines at the right of their axes; a thin line ties each name to the end of its line.

    Call it last: it fixes the layout of the figure, in which the names have found room.

    Parameters
    ----------
    figure : Figure
        The whole figure.
    places : sequence of tuple
        For each of the axes: the ends (n, 2) of n lines, in data coordinates, their names and their
        colours.
    """
    written = [
        [
            _end_label(axes, end, text, colour)
            for end, text, colour in zip(ends, texts, colours, strict=True)
        ]
        for axes, ends, texts, colours in places
    ]
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for (axes, ends, _, _), labels in zip(places, written, strict=True):
        height = axes.get_window_extent().height * 72 / figure.dpi
        wanted = axes.transAxes.inverted().transform(axes.transData.transform(ends))[:, 1]
        for label, y in zip(labels, _spread(wanted * height, height) / height, strict=True):
            label.set_y(y)


def _end_label(axes: Axes, end: Array, text: str, colour: str) -> Annotation:
    return axes.annotate(
        text,
        tuple(end),
        (1.06, 0.5),
        textcoords="axes fraction",
        color=[0.7 * part for part in to_rgb(colour)],  # letters are thin
        fontsize=FONT_SIZE,
        verticalalignment="center",
        annotation_clip=False,
        arrowprops={
            **{"arrowstyle": "-", "color": colour, "linewidth": 0.5, "alpha": 0.6},
            **{"relpos": (0, 0.5), "shrinkA": 1, "shrinkB": 0},
        },
    )


def _spread(wanted: Array, height: float) -> Array:
    """Move n heights as little as possible until no two are closer than a line of text.

    They stay between 0 and `height` where there is room.
    """
    order = np.argsort(wanted, kind="stable")
    steps = LINE * np.arange(len(wanted))
    # With the steps taken away, "at least a line apart" is "not falling": isotonic regression.
    level = isotonic_regression(wanted[order] - steps).x
    lowest, highest = LINE / 2, max(height - LINE / 2 - LINE * (len(wanted) - 1), LINE / 2)
    spread = np.empty_like(wanted)
    spread[order] = np.clip(level, lowest, highest) + steps
    return spread


def _place(
    points: Array, sizes: Array, obstacles: Array, frame: Array
) -> list[tuple[int, tuple[int, int]]]:
    """Choose a place for each label so that little is hidden: n times distance and direction.

    All in pt: `points` (n, 2), `sizes` (n, 2), `obstacles` (m, 2), `frame` (left, bottom, right,
    top).
    """
    forward = range(len(points))
    solutions = [
        _place_in_order(order, points, sizes, obstacles, frame)
        for order in (forward, forward[::-1])
    ]
    _, places = min(solutions, key=lambda solution: solution[0])
    return [PLACES[place] for place in places]


def _place_in_order(
    order: Iterable[int], points: Array, sizes: Array, obstacles: Array, frame: Array
) -> tuple[float, NDArray[np.intp]]:
    """Place one label after the other where it does least harm, and then each of them anew.

    The result is the harm that is left and the n numbers of places.
    """
    n = len(points)
    boxes = np.full((n, 4), np.nan)  # nothing compares with NaN: a label not yet placed
    lines = [np.empty((0, 2))] * n
    harm = np.zeros(n)
    places = np.zeros(n, dtype=np.intp)
    preference = np.array([0.1 * d + 0.1 * DIRECTIONS.index(side) for d, side in PLACES])
    for i in [*order] * ROUNDS:
        boxes[i], lines[i] = np.nan, np.empty((0, 2))
        candidates, ends = _candidates(points[i], sizes[i])
        others = np.delete(points, i, axis=0)
        hidden = np.concatenate([obstacles, points, *lines])
        penalty = (
            preference
            + 3.0 * _inside(hidden, _grown(candidates, HALO)).sum(axis=1)
            + 3.0 * _inside(others, _grown(candidates, APART)).sum(axis=1)
            + 2.0 * _crossed(points[i], ends, hidden)
            + 20.0 * _overlapping(candidates, boxes).sum(axis=1)
            + 20.0 * _crossing_boxes(points[i], ends, boxes)
            + 200.0 * _sticking_out(candidates, frame)
        )
        places[i] = penalty.argmin()
        harm[i] = penalty[places[i]]
        boxes[i] = candidates[places[i]]
        lines[i] = _sampled(np.stack([points[i], ends[places[i]]]))
    return float(harm.sum()), places


def _candidates(point: Array, size: Array) -> tuple[Array, Array]:
    """Return the box (left, bottom, right, top) of a label in each place, and where it is tied."""
    sides = np.sign([direction for _, direction in PLACES])
    ends = point + np.array([distance * _unit(direction) for distance, direction in PLACES])
    low = ends - size * (1 - sides) / 2
    return _grown(np.concatenate([low, low + size], axis=1), MARGIN), ends


def _unit(direction: tuple[int, int]) -> Array:
    return np.array(direction) / np.hypot(*direction)


def _grown(boxes: Array, margin: float) -> Array:
    return boxes + margin * np.array([-1, -1, 1, 1])


def _sampled(corners: Array) -> Array:
    """Return points along a line, `SPACING` apart."""
    lengths = np.hypot(*np.diff(corners, axis=0).T)
    position = np.concatenate([[0], np.cumsum(lengths)])
    wanted = np.arange(0, position[-1], SPACING)
    return np.column_stack([np.interp(wanted, position, side) for side in corners.T])


def _crossed(start: Array, ends: Array, points: Array) -> NDArray[np.intp]:
    """Count the points that each of n lines comes close to, beyond their common start."""
    distances = np.hypot(*np.moveaxis(points - start, -1, 0))
    reachable = points[(distances > HALO) & (distances < DISTANCES[-1] + HALO)]
    along = ends - start
    part = np.clip((reachable - start) @ along.T / np.sum(along**2, axis=1), 0, 1)
    nearest = start + part[..., None] * along
    return np.sum(np.hypot(*np.moveaxis(reachable[:, None] - nearest, -1, 0)) < HALO, axis=0)


def _crossing_boxes(start: Array, ends: Array, boxes: Array) -> NDArray[np.intp]:
    """Count the boxes, of m, that each of n lines runs into."""
    steps = np.linspace(0, 1, round(DISTANCES[-1] / SPACING))
    along = start + steps[:, None, None] * (ends - start)
    crossed = _inside(along.reshape(-1, 2), boxes).reshape(len(boxes), len(steps), len(ends))
    return crossed.any(axis=1).sum(axis=0)


def _inside(points: Array, boxes: Array) -> Mask:
    """Tell which of m points are in which of n boxes: (n, m)."""
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    return np.all((points > low) & (points < high), axis=-1)


def _overlapping(boxes: Array, others: Array) -> Mask:
    """Tell which of m other boxes overlap which of n boxes: (n, m)."""
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    return np.all((others[:, :2] < high) & (others[:, 2:] > low), axis=-1)


def _sticking_out(boxes: Array, frame: Array) -> Mask:
    return np.any((boxes[:, :2] < frame[:2]) | (boxes[:, 2:] > frame[2:]), axis=1)
