"""A network learns to keep a car in its lane, by gradients through the physics.

Nobody shows it how to steer. The car is a bicycle model (Rajamani, "Vehicle dynamics and control",
2012, section 2.2) at constant speed; its motion is written with tensors like everything else, so
that the loss, how far the cars are from the middle of the lane, has a gradient with respect to the
weights of the network that turned the wheel six seconds before.

    python examples/drive.py
    python examples/drive.py --speed 20 --steps 400
    python examples/drive.py --save out/driver.npz
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from beside_torch import compare
from matplotlib.figure import Figure
from tqdm import trange

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn

WHEELBASE = 2.7  # metres between the axles
SHARPEST = 0.5  # radians by which the front wheels can turn
HALF_LANE = 1.75  # metres from the middle of the lane to its edge
TICK = 0.1  # seconds
LOOK_AHEAD = (0.0, 5.0, 10.0)  # metres


class Road:
    """Lanes y(x) that wind left and right, a different one for each car."""

    def __init__(self, long: Any, short: Any) -> None:
        """What the phases of the two waves are, a tensor or an array for each."""
        self.waves = [(4.0, 2 * np.pi / 120, long), (1.5, 2 * np.pi / 45, short)]

    def middle(self, x: Any) -> Any:
        """Where the middle of the lane is."""
        return sum(height * (k * x + phase).sin() for height, k, phase in self.waves)

    def slope(self, x: Any) -> Any:
        """In which direction it goes, in radians."""
        return sum(height * k * (k * x + phase).cos() for height, k, phase in self.waves).atan()


def build(hidden: int, nn: Any = nn) -> Any:
    """A driver: what is seen of the lane in, a turn of the wheel out. It may be PyTorch's."""
    return nn.Sequential(nn.Linear(2 + len(LOOK_AHEAD), hidden), nn.Tanh(), nn.Linear(hidden, 1))


def steer(driver: Any, x: Any, y: Any, heading: Any, road: Road, library: Any) -> Any:
    """By how many radians each driver turns the front wheels."""
    offset = y - road.middle(x)
    seen = [offset / HALF_LANE, heading]
    seen += [road.slope(x + distance) - heading for distance in LOOK_AHEAD]
    return SHARPEST * driver(library.stack(seen, dim=-1))[:, 0].tanh()


def drive(
    driver: Any, start: Sequence[Any], speed: float, ticks: int, library: Any = tl
) -> tuple[Any, list[np.ndarray], list[np.ndarray]]:
    """Let the cars go: the mean cost of the trip, the places passed, and the distances."""
    x, offset, askew, *phases = start
    road = Road(*phases)
    y, heading = road.middle(x) + offset, road.slope(x) + askew
    cost, places, offsets = 0.0, [], []
    for _ in range(ticks):
        wheel = steer(driver, x, y, heading, road, library)
        x = x + TICK * speed * heading.cos()
        y = y + TICK * speed * heading.sin()
        heading = heading + TICK * speed / WHEELBASE * wheel.tan()
        offset = y - road.middle(x)
        # A car that left the road a mile ago must not drown out the others.
        cost = cost + ((offset**2).log1p() + 0.05 * wheel**2).mean()
        places.append(np.stack([x.detach().numpy(), y.detach().numpy()]))
        offsets.append(abs(offset.detach().numpy()))
    return cost / ticks, places, offsets


def starts(cars: int, rng: np.random.Generator) -> list[Tensor]:
    """Cars somewhere along the road, up to half a metre off, a little askew; and their roads."""
    widths = ((0, 100), (-0.5, 0.5), (-0.1, 0.1), (0, 2 * np.pi), (0, 2 * np.pi))
    return [Tensor(rng.uniform(low, high, cars).astype(np.float32)) for low, high in widths]


def examine(driver: nn.Module, args: argparse.Namespace) -> tuple[str, list[np.ndarray], Road]:
    """Drive on roads that were never trained on."""
    rng = np.random.default_rng(args.seed + 10_000)
    start = starts(200, rng)
    with tl.no_grad():
        _, places, offsets = drive(driver, start, args.speed, 10 * args.seconds)
    stayed = np.mean(np.max(offsets, axis=0) < HALF_LANE)
    return (
        f"{np.mean(offsets):.2f} m off on average, {stayed:.0%} stayed in lane",
        places,
        Road(*(phase.numpy() for phase in start[3:])),
    )


def draw(trips: dict[str, list[np.ndarray]], road: Road, path: Path) -> None:
    """The same three cars before and after."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    for row, (when, places) in enumerate(trips.items()):
        for car in range(3):
            axes = figure.add_subplot(3, 2, 2 * car + row + 1)
            xs, ys = (np.array([p[i][car] for p in places]) for i in range(2))
            line = np.linspace(xs[0], xs[0] + 100, 400, dtype=np.float32)
            lane = sum(h * np.sin(k * line + phase[car]) for h, k, phase in road.waves)
            axes.fill_between(line, lane - HALF_LANE, lane + HALF_LANE, color="0.85")
            axes.plot(line, lane, "w--", linewidth=1)
            axes.plot(xs, ys, color="C3" if row == 0 else "C2")
            axes.set_ylim(lane.min() - 6, lane.max() + 6)
            axes.set_xlim(line[0], line[-1])
            if car == 0:
                axes.set_title(f"{when} training")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Train a driver, and show it before and after."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--cars", type=int, default=64)
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=6, help="length of a trip")
    parser.add_argument("--speed", type=float, default=15.0, help="metres a second")
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="60 steps with 32 cars")
    parser.add_argument("--compare-torch", action="store_true", help="time a step there, too")
    parser.add_argument("--save", type=Path, help="keep the trained driver")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the picture goes")
    args = parser.parse_args()
    if args.quick:
        args.steps, args.cars = 60, 32

    tl.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    driver = build(args.hidden)
    before, places_before, road = examine(driver, args)
    optimizer = tl.optim.Adam(driver.parameters(), lr=args.learning_rate)
    schedule = tl.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)
    wall, cpu = time.perf_counter(), time.process_time()
    for step in (progress := trange(args.steps, desc="training", unit="trip")):
        # First short trips, then long ones: from a car in the ditch there is nothing to learn.
        ticks = round(10 * (1 + (args.seconds - 1) * min(1.0, 1.5 * step / args.steps)))
        start = starts(args.cars, rng)
        cost, _, _ = drive(driver, start, args.speed, ticks)
        optimizer.zero_grad()
        cost.backward()
        nn.utils.clip_grad_norm_(driver.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        progress.set_postfix(cost=f"{float(cost):.3f}", refresh=False)
    after, places_after, _ = examine(driver, args)
    print(f"200 cars on roads never seen, {args.seconds} s at {args.speed:g} m/s")
    print("before:", before)
    print("after: ", after)
    print(f"{time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of CPU time")
    if args.compare_torch:

        def trip(library: Any, model: Any, *start: Any) -> Any:
            return drive(model, start, args.speed, 10 * args.seconds, library)[0]

        batch = [part.numpy() for part in starts(args.cars, rng)]
        print(compare(partial(build, args.hidden), trip, *batch))
    args.out.mkdir(exist_ok=True)
    draw({"before": places_before, "after": places_after}, road, args.out / "drive.png")
    print("picture:", args.out / "drive.png")
    if args.save:
        tl.save(driver.state_dict(), args.save)
        print("saved:", args.save)


if __name__ == "__main__":
    main()
