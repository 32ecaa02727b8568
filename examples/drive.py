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
from pathlib import Path

import numpy as np
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

    def __init__(self, cars: int, rng: np.random.Generator) -> None:
        self.waves = [
            (height, 2 * np.pi / length, rng.uniform(0, 2 * np.pi, cars).astype(np.float32))
            for height, length in ((4.0, 120.0), (1.5, 45.0))
        ]

    def middle(self, x: Tensor) -> Tensor:
        """Where the middle of the lane is."""
        return sum(h * tl.sin(k * x + phase) for h, k, phase in self.waves)

    def slope(self, x: Tensor) -> Tensor:
        """In which direction it goes, in radians."""
        return tl.atan(sum(h * k * tl.cos(k * x + phase) for h, k, phase in self.waves))


class Driver(nn.Module):
    """What is seen of the lane in, an angle of the front wheels out."""

    def __init__(self, hidden: int) -> None:
        self.net = nn.Sequential(
            nn.Linear(2 + len(LOOK_AHEAD), hidden), nn.Tanh(), nn.Linear(hidden, 1)
        )

    def forward(self, x: Tensor, y: Tensor, heading: Tensor, road: Road) -> Tensor:
        offset = y - road.middle(x)
        seen = [offset / HALF_LANE, heading]
        seen += [road.slope(x + distance) - heading for distance in LOOK_AHEAD]
        return SHARPEST * tl.tanh(self.net(tl.stack(seen, axis=-1))[:, 0])


def drive(
    driver: Driver, road: Road, start: tuple[np.ndarray, ...], speed: float, ticks: int
) -> tuple[Tensor, list[np.ndarray], list[np.ndarray]]:
    """Let the cars go: the mean cost of the trip, the places passed, and the distances."""
    x, y, heading = (Tensor(a) for a in start)
    y = y + road.middle(x).detach()
    heading = heading + road.slope(x).detach()
    cost, places, offsets = 0.0, [], []
    for _ in range(ticks):
        wheel = driver(x, y, heading, road)
        x = x + TICK * speed * tl.cos(heading)
        y = y + TICK * speed * tl.sin(heading)
        heading = heading + TICK * speed / WHEELBASE * tl.tan(wheel)
        offset = y - road.middle(x)
        # A car that left the road a mile ago must not drown out the others.
        cost = cost + (tl.log1p(offset**2) + 0.05 * wheel**2).mean()
        places.append(np.stack([x.numpy(), y.numpy()]))
        offsets.append(np.abs(offset.numpy()))
    return cost / ticks, places, offsets


def starts(cars: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Cars somewhere along the road, up to half a metre off and a little askew."""
    widths = ((0, 100), (-0.5, 0.5), (-0.1, 0.1))
    return tuple(rng.uniform(low, high, cars).astype(np.float32) for low, high in widths)


def examine(driver: Driver, args: argparse.Namespace) -> tuple[str, list[np.ndarray], Road]:
    """Drive on roads that were never trained on."""
    rng = np.random.default_rng(args.seed + 10_000)
    road = Road(200, rng)
    with tl.no_grad():
        _, places, offsets = drive(driver, road, starts(200, rng), args.speed, 10 * args.seconds)
    stayed = np.mean(np.max(offsets, axis=0) < HALF_LANE)
    return f"{np.mean(offsets):.2f} m off on average, {stayed:.0%} stayed in lane", places, road


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
    parser.add_argument("--save", type=Path, help="keep the trained driver")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the picture goes")
    args = parser.parse_args()
    if args.quick:
        args.steps, args.cars = 60, 32

    tl.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    driver = Driver(args.hidden)
    before, places_before, road = examine(driver, args)
    optimizer = tl.optim.Adam(driver.parameters(), lr=args.learning_rate)
    schedule = tl.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)
    wall, cpu = time.perf_counter(), time.process_time()
    for step in (progress := trange(args.steps, desc="training", unit="trip")):
        # First short trips, then long ones: from a car in the ditch there is nothing to learn.
        ticks = round(10 * (1 + (args.seconds - 1) * min(1.0, 1.5 * step / args.steps)))
        start = starts(args.cars, rng)
        cost, _, _ = drive(driver, Road(args.cars, rng), start, args.speed, ticks)
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
    args.out.mkdir(exist_ok=True)
    draw({"before": places_before, "after": places_after}, road, args.out / "drive.png")
    print("picture:", args.out / "drive.png")
    if args.save:
        tl.save(driver.state_dict(), args.save)
        print("saved:", args.save)


if __name__ == "__main__":
    main()
