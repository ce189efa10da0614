"""`python -m benchmarks [NAME...]`: measure the lines whose names begin so, or all."""

from __future__ import annotations

import sys

from benchmarks import load
from benchmarks.harness import main

load()
sys.exit(main(sys.argv[1:]))
