"""The tests; a package so that suites shared by several adapters can be imported."""
