"""The calls, one file per family. Together they call every operation, with every parameter at least once."""
