"""The workloads: each module states one or two, this table lists them in the order they are run."""

from workloads.black_scholes import BLACK_SCHOLES
from workloads.elementwise import LONG, SHORT
from workloads.gaussian_mixture import GAUSSIAN_MIXTURE
from workloads.layer_norm import LAYER_NORM
from workloads.logistic_regression import LOGISTIC_REGRESSION
from workloads.pairwise_energy import PAIRWISE_ENERGY
from workloads.perceptron import PERCEPTRON
from workloads.rosenbrock import ROSENBROCK
from workloads.softmax import SOFTMAX

WORKLOADS = (
    SHORT,
    LONG,
    ROSENBROCK,
    BLACK_SCHOLES,
    LOGISTIC_REGRESSION,
    SOFTMAX,
    PERCEPTRON,
    LAYER_NORM,
    PAIRWISE_ENERGY,
    GAUSSIAN_MIXTURE,
)
