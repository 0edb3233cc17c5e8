"""Speed, each figure beside what it is held against: `python -m benchmarks`."""
