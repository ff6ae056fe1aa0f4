"""The built-in web pages: what is true, in sentences first, for people who were not told how to read a chart."""
