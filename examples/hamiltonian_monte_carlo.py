"""Hamiltonian Monte Carlo: samples of a density that is known by its logarithm alone, and a picture of them.

All chains step together: the leapfrog integrator needs the gradient of the log-density at the position of
every chain, which is `vmap` of `grad`. Neal, MCMC using Hamiltonian dynamics (2011).

python examples/hamiltonian_monte_carlo.py [folder] [--samples N]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import tapejit as tj

CHAINS, STEP, STEPS = 64, 0.1, 10


def log_density(z):
    """A banana: z[0] is normal with deviation 1, z[1] around its square with deviation 1/2."""
    return -0.5 * z[0] ** 2 - 2.0 * (z[1] - z[0] ** 2 + 1.0) ** 2


heights = tj.vmap(log_density)
slopes = tj.vmap(tj.grad(log_density))


@tj.jit
def step(positions, momenta):
    """One step along the trajectories, from half-way between two kicks to half-way between the next."""
    positions = positions + STEP * momenta
    return positions, momenta + STEP * slopes(positions)


def leapfrog(positions, momenta):
    """`STEPS` steps of length `STEP`, which keep the energy but for a small error."""
    momenta = momenta + 0.5 * STEP * slopes(positions)
    for _ in range(STEPS):
        positions, momenta = step(positions, momenta)
    return positions, momenta - 0.5 * STEP * slopes(positions)


def energy(positions, momenta):
    return 0.5 * np.sum(momenta**2, axis=1) - heights(positions)


def sample(count: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """`count` positions of every chain, and the share of proposals that were accepted."""
    positions, kept, accepted = rng.normal(size=(CHAINS, 2)), [], []
    for _ in range(count):
        momenta = rng.normal(size=positions.shape)
        proposed, reached = leapfrog(positions, momenta)
        odds = np.exp(np.minimum(0.0, energy(positions, momenta) - energy(proposed, reached)))
        take = rng.uniform(size=CHAINS) < odds
        positions = np.where(take[:, None], proposed, positions)
        kept.append(positions)
        accepted.append(take.mean())
    return np.concatenate(kept[count // 10 :]), float(np.mean(accepted))


def draw(samples: np.ndarray, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    x, y = np.meshgrid(np.linspace(-3.2, 3.2, 160), np.linspace(-3.0, 7.0, 160))
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    density = np.exp(heights(grid)).reshape(x.shape)
    figure, axes = pyplot.subplots(figsize=(6, 5))
    axes.scatter(*samples[:: max(1, len(samples) // 4000)].T, s=2, color="#2b6cb0", alpha=0.35)
    axes.contour(x, y, density, levels=6, colors="#1a202c", linewidths=0.8)
    axes.set(xlabel="z0", ylabel="z1", title=f"{len(samples)} samples of {CHAINS} chains")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def main(folder: Path, count: int) -> None:
    samples, accepted = sample(count, np.random.default_rng(0))
    mean, deviation = samples.mean(axis=0), samples.std(axis=0)
    print(f"accepted {accepted:.0%} of the proposals")
    print(f"mean {mean[0]:+.2f} {mean[1]:+.2f} (exact +0.00 +0.00)")
    print(f"deviation {deviation[0]:.2f} {deviation[1]:.2f} (exact 1.00 1.50)")
    draw(samples, folder / "hamiltonian_monte_carlo.png")
    print(f"wrote {folder / 'hamiltonian_monte_carlo.png'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path())
    parser.add_argument("--samples", type=int, default=1000, help="per chain")
    given = parser.parse_args()
    main(given.folder, given.samples)
