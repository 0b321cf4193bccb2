"""What the integration tests, the lab, the fault injection and the benchmarks share."""
