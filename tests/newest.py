"""NumPy changes names, promotions and formulas of quantiles between versions; tapejit follows the newest."""

import numpy as np
import pytest

NEWEST = np.lib.NumpyVersion(np.__version__) >= "2.4.3"
newest_numpy = pytest.mark.skipif(not NEWEST, reason="compares with what NumPy does from 2.4.3 on")
