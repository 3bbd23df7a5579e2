"""The engines, on the device that PETE_TEST_DEVICE names: cpu, unless cuda or mps. References are computed on the CPU all the same."""

import os

DEVICE = os.environ.get("PETE_TEST_DEVICE", "cpu")
