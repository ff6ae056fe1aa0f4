"""The example province as data, each file with its source; nothing here is code."""
